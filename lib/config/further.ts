/** What few of the programs need that configure a network: apart, as the others would compile it all the same. */
export { monitor } from './monitor.ts'
export { Neighbours } from './neighbours.ts'
export { Qdiscs } from './qdisc.ts'
export { Rules } from './rules.ts'
export { uplink } from './uplink.ts'
export { waitReady } from './wait-ready.ts'
export { WireGuard } from './wireguard.ts'
