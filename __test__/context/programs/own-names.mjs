/** A program that has given agents names of its own before its first context: prints three that it is asked for in one. */
import http from 'node:http'
import { mock } from 'node:test'
import { NetNs } from 'node-netns'

const [, , how] = process.argv
const agents = http.Agent.prototype
const nodes = agents.getName
const kEmptyObject = {}
let around = 'red'

const OWN = {
  // All three begin as Node's does.
  options: function getName(options = kEmptyObject) {
    let name = options.host || 'localhost'
    name += `-${options.tenant}`
    return name
  },
  key: function getName(options = kEmptyObject) {
    let name = options.host || 'localhost'
    name += `-${options['tenant']}`
    return name
  },
  around: function getName(options = kEmptyObject) {
    let name = options.host || 'localhost'
    name += `-${around}`
    return name
  },
  wrapped(options) {
    return `${nodes.call(this, options)}-${options.tenant}`
  }
}
if (how === 'mocked') mock.method(agents, 'getName', OWN.options)
else agents.getName = OWN[how]

const names = NetNs.createSync().run(() => {
  const agent = new http.Agent()
  return ['red', 'red', 'blue'].map((tenant) => {
    around = tenant
    return agent.getName({ tenant })
  })
})
console.log(names.join(' '))
