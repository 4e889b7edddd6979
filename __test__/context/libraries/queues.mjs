/** Libraries that have a queue of their own: what waits in it is called back by whoever takes it out. */
import assert from 'node:assert/strict'
import Bluebird from 'bluebird'
import { NetNs } from 'node-netns'
import { namespace } from '../../offline/kit.mjs'

/** One place in a pool, as pools of connections with callbacks keep it. */
class Turns {
  #waiting = []
  #taken = false

  take(callback) {
    if (this.#taken) this.#waiting.push(callback)
    else {
      this.#taken = true
      callback()
    }
  }

  give() {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken = false
    else next()
  }
}

/** Where a second namespace finds itself when the first one lets it have its turn. */
async function secondOf(take) {
  const [red, blue] = [namespace(), namespace()]
  const turns = new Turns()
  turns.take(() => {})
  const found = blue.run(() => take(turns, blue))
  red.run(() => turns.give())
  return { found: await found, red, blue }
}

const here = () => NetNs.current().id

export default {
  'a callback that waited in a queue is in the context of who took it out: Node cannot know better': async () => {
    const { found, red } = await secondOf((turns) => new Promise((resolve) => turns.take(() => resolve(here()))))
    assert.equal(found, red.id)
  },

  'a bound callback is where it was bound': async () => {
    const { found, blue } = await secondOf(
      (turns, place) => new Promise((resolve) => turns.take(place.bind(() => resolve(here()))))
    )
    assert.equal(found, blue.id)
  },

  'what awaits a promise is where it awaited it, whoever resolves it': async () => {
    const { found, blue } = await secondOf(async (turns) => {
      await new Promise((resolve) => turns.take(resolve))
      return here()
    })
    assert.equal(found, blue.id)
  },

  'bluebird, which calls back from one queue for all, keeps contexts when it is told to': async () => {
    Bluebird.config({ asyncHooks: true })
    const places = Array.from({ length: 4 }, () => namespace())
    const found = await Promise.all(
      places.map((place) =>
        place.run(
          () =>
            new Promise((resolve) =>
              Bluebird.delay(1)
                .then(() => Bluebird.delay(1))
                .then(() => resolve(here()))
            )
        )
      )
    )
    assert.deepEqual(
      found,
      places.map((place) => place.id)
    )
  }
}
