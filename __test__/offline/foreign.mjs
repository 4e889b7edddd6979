/** What works where contexts cannot: handles, names, `runSync`; and `run` says what is missing. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { NetNs } from '../../dist/index.js'

const scenarios = {
  'handles and names': () => {
    const red = NetNs.createSync({ name: 'red' })
    const again = NetNs.fromName('red')
    assert.ok(again.equals(red))
    assert.deepEqual(
      NetNs.listSync().map(({ name }) => name),
      ['red']
    )
    NetNs.deleteSync('red')
    assert.ok(!NetNs.current().equals(red))
    red.close()
    again.close()
  },
  'runSync: the thread, and a child': () => {
    const red = NetNs.createSync()
    assert.equal(
      red.runSync(() => readlinkSync('/proc/thread-self/ns/net')),
      red.id
    )
    assert.equal(String(red.runSync(() => execFileSync('readlink', ['/proc/self/ns/net']))).trim(), red.id)
    assert.notEqual(readlinkSync('/proc/thread-self/ns/net'), red.id)
  },
  'run, enter, bind and outside say what is missing': () => {
    const red = NetNs.createSync()
    for (const use of [
      () => red.run(() => {}),
      () => red.enter(),
      () => red.bind(() => {}),
      () => NetNs.outside(red)
    ]) {
      assert.throws(use, (error) => {
        assert.equal(error.code, 'ERR_NETNS_RUNTIME')
        console.error(error.message)
        return true
      })
    }
  }
}

for (const [name, scenario] of Object.entries(scenarios)) {
  let error
  try {
    scenario()
  } catch (caught) {
    error = caught?.stack ?? String(caught)
  }
  console.log(`#${JSON.stringify({ name, error })}`)
}
