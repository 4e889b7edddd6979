/** The kernel's small numbers in iproute2's words. */

/** `RT_SCOPE_…`. */
export const SCOPES = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const

/** `RTPROT_…`. */
export const PROTOCOLS = {
  unspec: 0,
  redirect: 1,
  kernel: 2,
  boot: 3,
  static: 4,
  gated: 8,
  ra: 9,
  mrt: 10,
  zebra: 11,
  bird: 12,
  dnrouted: 13,
  xorp: 14,
  ntk: 15,
  dhcp: 16,
  keepalived: 18,
  babel: 42,
  bgp: 186,
  isis: 187,
  ospf: 188,
  rip: 189,
  eigrp: 192
} as const

/** `RT_TABLE_…`. */
export const TABLES = { default: 253, main: 254, local: 255 } as const

/** `RTN_…`. */
export const ROUTE_TYPES = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
  nat: 10
} as const

/** `NUD_…`. */
export const NEIGHBOUR_STATES = {
  none: 0,
  incomplete: 1,
  reachable: 2,
  stale: 4,
  delay: 8,
  probe: 16,
  failed: 32,
  noarp: 64,
  permanent: 128
} as const
