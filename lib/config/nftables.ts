/** One table of nftables that masquerades one network: by netlink, as the `nft` program is often not there. */

import type { Namespace } from '../namespace.ts'
import { refused } from '../wire/errors.ts'
import { FLAG, PROTOCOL, Request } from '../wire/request.ts'
import { later } from './operation.ts'
import { exchange } from './transport.ts'

/** `NFNL_MSG_BATCH_…`. */
const BATCH = { begin: 0x10, end: 0x11 } as const
const SUBSYSTEM = 10
/** `NFT_MSG_…`. */
const MESSAGE = { newTable: 0, deleteTable: 2, newChain: 3, newRule: 6, getGeneration: 16 } as const
const IPV4 = 2
const POSTROUTING = 4
/** `NF_IP_PRI_NAT_SRC`. */
const PRIORITY = 100
const REGISTER = 1
const REMEDY =
  'An uplink needs nftables in the kernel (modules nf_tables, nft_chain_nat, nft_masq) and CAP_NET_ADMIN in the ' +
  'namespace that it leads to.'

/** @throws what stands in the way of nftables in that namespace, without changing anything */
export async function checkNftables(namespace: Namespace): Promise<void> {
  // A generation can be asked for by whoever may change it; without nf_tables, nobody answers.
  const request = new Request(PROTOCOL.netfilter).begin((SUBSYSTEM << 8) | MESSAGE.getGeneration, FLAG.ack)
  writeFamily(request, 0, 0).end()
  const { refusals } = await later(exchange(namespace, request))
  if (refusals[0] !== undefined) throw refused(refusals[0], 'use nftables', REMEDY)
}

/** Makes a table that gives packets from `network`, of so many bits, the address of the link they leave by. */
export async function addMasquerade(
  namespace: Namespace,
  table: string,
  network: Uint8Array,
  bits: number,
  notOut: string
): Promise<void> {
  const request = begin()
  message(request, MESSAGE.newTable, FLAG.create | FLAG.excl, () => request.attributeText(1, table))
  message(request, MESSAGE.newChain, FLAG.create | FLAG.excl, () => {
    request.attributeText(1, table).attributeText(3, 'postrouting')
    request.nest(4, () => {
      big(request, 1, POSTROUTING)
      big(request, 2, PRIORITY)
    })
    request.attributeText(7, 'nat')
  })
  message(request, MESSAGE.newRule, FLAG.create | FLAG.append, () => {
    request.attributeText(1, table).attributeText(2, 'postrouting')
    request.nest(4, () => writeRule(request, network, bits, notOut))
  })
  await commit(namespace, request, `make the nftables table ${table}`)
}

/** Takes the table away, with all that is in it. */
export async function deleteTable(namespace: Namespace, table: string): Promise<void> {
  const request = begin()
  message(request, MESSAGE.deleteTable, 0, () => request.attributeText(1, table))
  await commit(namespace, request, `delete the nftables table ${table}`)
}

function writeRule(request: Request, network: Uint8Array, bits: number, notOut: string): void {
  // The source address, as far as the prefix goes, is that of the network.
  expression(request, 'payload', () => {
    big(request, 1, REGISTER)
    big(request, 2, 1)
    big(request, 3, 12)
    big(request, 4, 4)
  })
  const mask = Uint8Array.from({ length: 4 }, (_, i) => 0xff & ~(0xff >> Math.max(0, Math.min(8, bits - i * 8))))
  expression(request, 'bitwise', () => {
    big(request, 1, REGISTER)
    big(request, 2, REGISTER)
    big(request, 3, 4)
    request.nest(4, () => request.attributeRaw(1, mask))
    request.nest(5, () => request.attributeRaw(1, new Uint8Array(4)))
  })
  compare(request, 0, network)
  // What stays on our own link needs no other address.
  expression(request, 'meta', () => {
    big(request, 2, 7)
    big(request, 1, REGISTER)
  })
  const name = new Uint8Array(16)
  new TextEncoder().encodeInto(notOut, name)
  compare(request, 1, name)
  expression(request, 'masq', () => undefined)
}

function compare(request: Request, operation: number, value: Uint8Array): void {
  expression(request, 'cmp', () => {
    big(request, 1, REGISTER)
    big(request, 2, operation)
    request.nest(3, () => request.attributeRaw(1, value))
  })
}

/** `NFTA_LIST_ELEM` with `NFTA_EXPR_NAME` and `NFTA_EXPR_DATA`. */
function expression(request: Request, name: string, write: () => void): void {
  request.nest(1, () => {
    request.attributeText(1, name)
    request.nest(2, write)
  })
}

function big(request: Request, type: number, value: number): void {
  request.attribute(type, 4).be32(value)
}

function begin(): Request {
  const request = new Request(PROTOCOL.netfilter, 1024).begin(BATCH.begin, 0)
  return writeFamily(request, 0, SUBSYSTEM).end()
}

function message(request: Request, type: number, flags: number, write: () => void): void {
  request.begin((SUBSYSTEM << 8) | type, flags | FLAG.ack)
  writeFamily(request, IPV4, 0)
  write()
  request.end()
}

/** `struct nfgenmsg`. */
function writeFamily(request: Request, family: number, resource: number): Request {
  return request.u8(family).u8(0).be16(resource)
}

async function commit(namespace: Namespace, request: Request, words: string): Promise<void> {
  request.begin(BATCH.end, 0)
  writeFamily(request, 0, SUBSYSTEM).end()
  const { refusals } = await later(exchange(namespace, request))
  if (refusals[0] !== undefined) throw refused(refusals[0], words, REMEDY)
}
