export { hookLocks } from './locks.ts'
export { routerOf } from './router.ts'
export { hookWorkers } from './workers.ts'
