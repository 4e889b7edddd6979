#!/bin/sh
# Publishes packed tarballs: `publish.sh FOLDER [OPTION OF NPM…]`. The platforms come first, so that no user gets the package
# before its addon. What is published already stays as it is, so that a release that was interrupted can be run again.
set -eu
# npm takes `folder/file.tgz` for a repository on GitHub.
packages=$(cd "$1" && pwd)
shift
for package in "$packages"/node-netns-linux-*.tgz "$packages"/node-netns-[0-9]*.tgz; do
  id=$(tar -xzOf "$package" package/package.json |
    node -p 'const { name, version } = JSON.parse(require("fs").readFileSync(0)); name + "@" + version')
  if [ "$(npm view "$id" version 2>/dev/null || :)" != '' ]; then
    echo "$id is published already."
  else
    npm publish "$package" --access public "$@"
  fi
done
