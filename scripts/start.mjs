/** `npm start`: the tour. As root on the machine's own network, otherwise in a user namespace. */
import { spawn } from 'node:child_process'
import { isolate, isolated, ordinary } from './isolate.mjs'
import { prepare, root } from './prepare.mjs'

prepare()
const argv = ['--import', 'tsx', 'examples/tour.ts', ...process.argv.slice(2)]
if (ordinary && !isolated) {
  process.exitCode = await isolate(argv, { say: true })
} else {
  const child = spawn(process.execPath, argv, { cwd: root, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  process.exitCode = await new Promise((resolve) =>
    child.on('exit', (code, signal) => resolve(code ?? (signal ? 130 : 1)))
  )
}
