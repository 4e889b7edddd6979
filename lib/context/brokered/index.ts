export { spawnBrokered, spawnSyncBrokered, waitingBrokered } from './children.ts'
export { listInterfaces } from './interfaces.ts'
export { callBrokered, callScoped, crosses, nameBrokered } from './sockets.ts'
