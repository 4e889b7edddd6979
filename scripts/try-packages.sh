#!/bin/sh
# Installs packed tarballs in an empty project and uses them: `try-packages.sh FOLDER PLATFORM`. Without a package for the
# platform ("none") the library must import and say what is missing.
set -eu
packages=$(cd "$1" && pwd)
platform=$2
project=$(mktemp -d)
# Windows removes no folder that a process is in.
trap 'cd / && rm -rf "$project"' EXIT
cd "$project"
echo '{ "name": "user", "private": true, "type": "module" }' >package.json
tarballs=$(ls "$packages"/node-netns-[0-9]*.tgz)
if [ "$platform" != none ]; then tarballs="$tarballs $(ls "$packages"/node-netns-"$platform"-[0-9]*.tgz)"; fi
# Word splitting is wanted: these are two files. What the package names as optional may not be published yet.
# shellcheck disable=SC2086
npm install --no-audit --no-fund --omit=optional --loglevel=error $tarballs
cat >program.mjs <<'PROGRAM'
import { equal } from 'node:assert/strict'
import { createServer } from 'node:http'
import { networkInterfaces } from 'node:os'
import { NetNs, probe } from 'node-netns'

const expected = process.argv[2] !== 'none'
const { supported, can } = await probe()
equal(supported, expected)
if (expected) {
  equal(can.run.ok, true, JSON.stringify(can.run))
  const red = await NetNs.create()
  equal(Object.keys(red.runSync(() => networkInterfaces())).join(), 'lo')
  const text = await red.run(async () => {
    const server = createServer((_request, response) => response.end('inside'))
    await new Promise((resolve) => server.listen(80, resolve))
    const response = await fetch('http://127.0.0.1/')
    server.close()
    return response.text()
  })
  equal(text, 'inside')
  equal((await red.command('true').status()).code, 0)
  equal((await red.links.list()).length, 1)
} else {
  let code
  try {
    NetNs.current()
  } catch (error) {
    code = error.code
  }
  equal(code, 'ERR_NETNS_UNSUPPORTED')
}
console.log(`${process.platform}-${process.arch}, Node ${process.version}: ${expected ? 'works' : 'imports and says what is missing'}`)
process.exit(0)
PROGRAM
node program.mjs "$platform"
