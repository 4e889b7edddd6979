/**
 * `npm start`: what the library does, step by step, on this machine, and how long each step took. Whatever it makes, it
 * takes away again, on Ctrl-C too.
 */
import { steps } from './tour/steps.ts'
import { Tour } from './tour/tour.ts'

const tour = new Tour()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    tour.cleanUp()
    process.exit(signal === 'SIGINT' ? 130 : 143)
  })
}

try {
  for (const [title, step] of steps) await tour.take(title, step)
} finally {
  tour.cleanUp()
}
tour.summarise()
