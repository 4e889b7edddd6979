/** Tests make namespaces, mounts and names: never on the machine itself. */
if (process.env['NETNS_ISOLATED'] === undefined) {
  throw new Error('tests run in namespaces of their own: start them with `npm test -- NAME`')
}
