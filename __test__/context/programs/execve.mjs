/** In a namespace, has another program go on in its place: says which network it asked for, and that one which it is in. */
import { NetNs } from 'node-netns'

const red = await NetNs.create()
console.log(red.id)
try {
  red.run(() => process.execve('/usr/bin/env', ['env', 'readlink', '/proc/self/ns/net'], process.env))
} catch (error) {
  console.log(error.code)
}
