export { boundDns, boundGlobal, boundModule, boundNetworkInterfaces, boundWorker } from './modules.ts'
