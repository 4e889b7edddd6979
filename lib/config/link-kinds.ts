/** What can be set on each kind of link, and read from it: the kernel's `IFLA_<KIND>_…`, in iproute2's words. */

import {
  addressField,
  be16,
  be32,
  bool,
  bool32,
  field,
  flag,
  ip,
  linkIndex,
  list,
  mac,
  nested,
  type Schema,
  switches,
  told,
  u8,
  u16,
  u32,
  u64,
  word
} from './fields.ts'
import { greKey, portRange, qosMap, sources } from './link-codecs.ts'

const VLAN_PROTOCOLS = { '802.1Q': 0x8100, '802.1ad': 0x88a8 }
const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 }
const IPVLAN_MODES = { l2: 0, l3: 1, l3s: 2 }
const IPVLAN_FLAGS = { bridge: 0, private: 1, vepa: 2 }
const DONT_FRAGMENT = { unset: 0, set: 1, inherit: 2 }
const BOND_MODES = {
  'balance-rr': 0,
  'active-backup': 1,
  'balance-xor': 2,
  broadcast: 3,
  '802.3ad': 4,
  'balance-tlb': 5,
  'balance-alb': 6
}
const ARP_VALIDATE = { none: 0, active: 1, backup: 2, all: 3, filter: 4, filter_active: 5, filter_backup: 6 }
/** `IFLA_BOND_AD_INFO_…`. */
const AD_INFO: Schema = {
  aggregator: told(1, u16),
  ports: told(2, u16),
  actorKey: told(3, u16),
  partnerKey: told(4, u16),
  partnerMac: told(5, mac)
}
const HASH_POLICIES = { layer2: 0, 'layer3+4': 1, 'layer2+3': 2, 'encap2+3': 3, 'encap3+4': 4, 'vlan+srcmac': 5 }

const macvlan: Schema = {
  mode: field(1, word(MACVLAN_MODES, 'u32')),
  flags: field(2, u16),
  sources: field(5, sources),
  broadcastQueueLength: field(7, u32),
  broadcastCutoff: field(9, u32)
}

/** `VLAN_FLAG_…`. */
const VLAN_FLAGS = { reorderHeader: 1, gvrp: 2, looseBinding: 4, mvrp: 8, bridgeBinding: 16 }
/** The options of a bridge, a vxlan and so on, as `info` of a link and in the argument of `links.add`. */
export const LINK_KINDS: Readonly<Record<string, Schema>> = {
  veth: {},
  dummy: {},
  ifb: {},
  wireguard: {},
  macvlan,
  macvtap: macvlan,
  bridge: {
    forwardDelay: field(1, u32),
    helloTime: field(2, u32),
    maxAge: field(3, u32),
    ageingTime: field(4, u32),
    stp: field(5, bool32),
    priority: field(6, u16),
    vlanFiltering: field(7, bool),
    vlanProtocol: field(8, word(VLAN_PROTOCOLS, 'be16')),
    groupForwardMask: field(9, u16),
    rootPort: told(12, u16),
    rootPathCost: told(13, u32),
    topologyChange: told(14, bool),
    groupAddress: field(20, mac),
    flushFdb: field(21, flag),
    multicastRouter: field(22, u8),
    multicastSnooping: field(23, bool),
    multicastQueryUseIfaddr: field(24, bool),
    multicastQuerier: field(25, bool),
    multicastHashElasticity: field(26, u32),
    multicastHashMax: field(27, u32),
    multicastLastMemberCount: field(28, u32),
    multicastStartupQueryCount: field(29, u32),
    multicastLastMemberInterval: field(30, u64),
    multicastMembershipInterval: field(31, u64),
    multicastQuerierInterval: field(32, u64),
    multicastQueryInterval: field(33, u64),
    multicastQueryResponseInterval: field(34, u64),
    multicastStartupQueryInterval: field(35, u64),
    nfCallIptables: field(36, bool),
    nfCallIp6tables: field(37, bool),
    nfCallArptables: field(38, bool),
    defaultPvid: field(39, u16),
    vlanStats: field(41, bool),
    multicastStats: field(42, bool),
    multicastIgmpVersion: field(43, u8),
    multicastMldVersion: field(44, u8),
    vlanStatsPerPort: field(45, bool),
    options: field(46, switches({ noLinkLocalLearn: 1, multicastVlanSnooping: 2, mst: 4 })),
    fdbLearned: told(48, u32),
    fdbMaxLearned: field(49, u32)
  },
  ipvlan: { mode: field(1, word(IPVLAN_MODES, 'u16')), flags: field(2, word(IPVLAN_FLAGS, 'u16')) },
  vlan: {
    id: field(1, u16),
    flags: field(2, switches(VLAN_FLAGS)),
    egressQosMap: field(3, qosMap),
    ingressQosMap: field(4, qosMap),
    protocol: field(5, word(VLAN_PROTOCOLS, 'be16'))
  },
  vxlan: {
    id: field(1, u32),
    group: addressField(2, 16),
    dev: field(3, linkIndex),
    local: addressField(4, 17),
    ttl: field(5, u8),
    tos: field(6, u8),
    learning: field(7, bool),
    ageing: field(8, u32),
    limit: field(9, u32),
    portRange: field(10, portRange),
    proxy: field(11, bool),
    rsc: field(12, bool),
    l2miss: field(13, bool),
    l3miss: field(14, bool),
    port: field(15, be16),
    udpCsum: field(18, bool),
    udpZeroCsum6Tx: field(19, bool),
    udpZeroCsum6Rx: field(20, bool),
    remoteChecksumTx: field(21, bool),
    remoteChecksumRx: field(22, bool),
    gbp: field(23, flag),
    external: field(25, bool),
    label: field(26, be32),
    gpe: field(27, flag),
    ttlInherit: field(28, flag),
    df: field(29, word(DONT_FRAGMENT, 'u8')),
    vniFilter: field(30, bool),
    localBypass: field(31, bool)
  },
  vrf: { table: field(1, u32) },
  bond: {
    mode: field(1, word(BOND_MODES, 'u8')),
    activeSlave: field(2, linkIndex),
    miimon: field(3, u32),
    upDelay: field(4, u32),
    downDelay: field(5, u32),
    useCarrier: field(6, bool),
    arpInterval: field(7, u32),
    arpIpTarget: field(8, list(ip)),
    arpValidate: field(9, word(ARP_VALIDATE, 'u32')),
    arpAllTargets: field(10, word({ any: 0, all: 1 }, 'u32')),
    primary: field(11, linkIndex),
    primaryReselect: field(12, word({ always: 0, better: 1, failure: 2 }, 'u8')),
    failOverMac: field(13, word({ none: 0, active: 1, follow: 2 }, 'u8')),
    xmitHashPolicy: field(14, word(HASH_POLICIES, 'u8')),
    resendIgmp: field(15, u32),
    numPeerNotif: field(16, u8),
    allSlavesActive: field(17, bool),
    minLinks: field(18, u32),
    lpInterval: field(19, u32),
    packetsPerSlave: field(20, u32),
    lacpRate: field(21, word({ slow: 0, fast: 1 }, 'u8')),
    adSelect: field(22, word({ stable: 0, bandwidth: 1, count: 2 }, 'u8')),
    adInfo: told(23, nested(AD_INFO)),
    adActorSysPrio: field(24, u16),
    adUserPortKey: field(25, u16),
    adActorSystem: field(26, mac),
    tlbDynamicLb: field(27, bool),
    peerNotifDelay: field(28, u32),
    lacpActive: field(29, bool),
    arpMissedMax: field(30, u8),
    nsIp6Target: field(31, list(ip)),
    coupledControl: field(32, bool)
  },
  gre: {
    dev: field(1, linkIndex),
    iflags: field(2, be16),
    oflags: field(3, be16),
    key: field(0, greKey),
    ikey: field(4, be32),
    okey: field(5, be32),
    local: field(6, ip),
    remote: field(7, ip),
    ttl: field(8, u8),
    tos: field(9, u8),
    pmtudisc: field(10, bool),
    encapType: field(14, word({ none: 0, fou: 1, gue: 2 }, 'u16')),
    encapFlags: field(15, u16),
    encapSourcePort: field(16, be16),
    encapDestinationPort: field(17, be16),
    external: field(18, flag),
    ignoreDf: field(19, bool),
    fwmark: field(20, u32)
  },
  geneve: {
    id: field(1, u32),
    remote: addressField(2, 7),
    ttl: field(3, u8),
    tos: field(4, u8),
    port: field(5, be16),
    external: field(6, flag),
    udpCsum: field(8, bool),
    udpZeroCsum6Tx: field(9, bool),
    udpZeroCsum6Rx: field(10, bool),
    label: field(11, be32),
    ttlInherit: field(12, bool),
    df: field(13, word(DONT_FRAGMENT, 'u8')),
    innerProtocolInherit: field(14, flag)
  },
  tun: {
    owner: told(1, u32),
    group: told(2, u32),
    type: told(3, word({ tun: 1, tap: 2 }, 'u8')),
    pi: told(4, bool),
    vnetHdr: told(5, bool),
    persist: told(6, bool),
    multiQueue: told(7, bool)
  }
}

/** The kernel's module for a kind, where its name is not the kind's. */
const MODULES: Readonly<Record<string, string>> = { bond: 'bonding', gre: 'ip_gre', vlan: '8021q', tap: 'tun' }

/** What an error says when the kernel does not know a kind. */
export function moduleRemedy(kind: string): string {
  const module = MODULES[kind] ?? kind
  return `The kernel here has no '${kind}' links: they need its module '${module}' (modprobe ${module}).`
}
