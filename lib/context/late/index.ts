export { hookClusters } from './clusters.ts'
export { hookSessions, rememberSession } from './sessions.ts'
export { probeWorker } from './worker-probe.ts'
export { hookWorkers, WORKER_PLACE } from './workers.ts'
