/** Whatever opens a socket later, of what was made by a bound module, does so inside: also a method that a new Node has. */
import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { EventEmitter } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { Duplex, Readable, Stream, Writable } from 'node:stream'
import tls from 'node:tls'
import { first, later, namespace } from '../../offline/kit.mjs'

/**
 * Methods that open no socket, or only by another one of their object, of every class in Node 20 to 26: they were read
 * before they were written down here. One that is missing is to be read too, and either goes here, or is one of those that
 * `lib/node/later.ts` has go inside.
 */
const QUIET = {
  'dgram.Socket': `address close disconnect getRecvBufferSize getSendBufferSize getSendQueueCount getSendQueueSize ref
    remoteAddress sendto setBroadcast setMulticastLoopback setMulticastTTL setRecvBufferSize setSendBufferSize setTTL unref
    _healthCheck _stopReceiving`,
  'http.Agent': 'createSocket destroy getName keepSocketAlive removeSocket reuseSocket',
  'http.ClientRequest': `abort clearTimeout destroy onSocket setNoDelay setSocketKeepAlive setTimeout _deferToConnect
    _finish _implicitHeader`,
  'http.IncomingMessage': `setTimeout _addHeaderLine _addHeaderLineDistinct _addHeaderLines _destroy _dump
    _dumpAndCloseReadable _read`,
  'http.MessageEvent': 'initMessageEvent',
  'http.OutgoingMessage': `addTrailers appendHeader cork destroy end flushHeaders getHeader getHeaderNames getHeaders
    getRawHeaderNames hasHeader pipe removeHeader setHeader setHeaders setTimeout uncork write _finish _flush _flushOutput
    _implicitHeader _isLenientHeaderValidation _renderHeaders _send _storeHeader _writeRaw`,
  'http.Server': 'close closeAllConnections closeIdleConnections setTimeout',
  'http.ServerResponse': `assignSocket detachSocket writeContinue writeEarlyHints writeHead writeHeader writeInformation
    writeProcessing _finish _implicitHeader`,
  'http.WebSocket': 'close',
  'https.Agent': 'getName keepSocketAlive _cacheSession _evictSession _getSession',
  'https.Server': 'close closeAllConnections closeIdleConnections setTimeout',
  'http2.Http2ServerRequest': 'setTimeout _read',
  'http2.Http2ServerResponse': `addTrailers appendHeader cork createPushResponse destroy end flushHeaders getHeader
    getHeaderNames getHeaders hasHeader removeHeader setHeader setTimeout setTrailer uncork write writeContinue
    writeEarlyHints writeHead writeInformation`,
  'http2.createServer()': 'close setTimeout updateSettings',
  'http2.createSecureServer()': 'close closeIdleConnections setTimeout updateSettings',
  'net.BlockList': `addAddress addAddresses addCIDR addCIDRs addRange addSubnet check clear fromJSON removeAddress
    removeCIDR removeRange removeSubnet toJSON`,
  'net.BoundSocket': 'address close fd',
  'net._TransferredBoundSocket': 'address close fd',
  'net.Server': 'address close emit getConnections ref unref _emitCloseIfDrained _setupWorker',
  'net.Socket': `address destroySoon end getTypeOfService pause read ref resetAndDestroy resume setKeepAlive setNoDelay
    setTimeout setTypeOfService unref _destroy _final _getpeername _getsockname _onTimeout _read _reset _unrefTimer _write
    _writeGeneric _writev`,
  'net.SocketAddress': 'toJSON',
  'tls.Server': 'addContext getTicketKeys setOptions setSecureContext setTicketKeys _getServerData _setServerData',
  'tls.TLSSocket': `disableRenegotiation enableTrace exportKeyingMaterial getCertificate getCipher getEphemeralKeyInfo
    getFinished getPeerCertificate getPeerFinished getPeerX509Certificate getProtocol getSession getSharedSigalgs
    getTLSTicket getX509Certificate isSessionReused renegotiate setKeyCert setMaxSendFragment setServername setSession
    _destroySSL _emitTLSError _finishInit _handleTimeout _init _releaseControl _start _tlsError _wrapHandle`
}

/** Where what is of sockets ends: streams and emitters open none. */
const ROOTS = [Object, EventEmitter, EventTarget, Event, Stream, Duplex, Readable, Writable].map(
  ({ prototype }) => prototype
)

/** The methods of each prototype of sockets', servers', agents' and the like, by what it is of. */
function* prototypes() {
  for (const [name, module] of Object.entries({ dgram, net, tls, http, https, http2 })) {
    for (const key of Object.getOwnPropertyNames(module)) {
      const { prototype } = Object.getOwnPropertyDescriptor(module, key).value ?? {}
      if (typeof prototype === 'object' && prototype !== null) yield [`${name}.${key}`, prototype]
    }
  }
  for (const make of ['createServer', 'createSecureServer']) {
    yield [`http2.${make}()`, Object.getPrototypeOf(http2[make]())]
  }
}

function methodsOf(prototype) {
  const named = Object.entries(Object.getOwnPropertyDescriptors(prototype))
  return named.flatMap(([name, { value }]) => (typeof value === 'function' && name !== 'constructor' ? [name] : []))
}

/** A server of datagrams in the context's namespace, and where it listens. */
async function hearing() {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await first(socket, 'listening')
  later(() => socket.close())
  return { socket, port: socket.address().port }
}

/** A socket of a bound module, which nothing was done with yet. */
function socketOf(red, type = 'udp4') {
  const socket = red.dgram.createSocket(type)
  later(() => socket.close())
  return socket
}

export default {
  'every method of sockets, servers and agents goes inside, or is known to open none': () => {
    const red = namespace()
    const bases = new Set([...ROOTS, ...Array.from(prototypes(), ([, prototype]) => prototype), null])
    const [seen, unknown] = [new Set(), []]
    for (const [name, prototype] of prototypes()) {
      if (seen.has(prototype)) continue
      seen.add(prototype)
      const [module, key] = name.split('.')
      const made = key.endsWith('()')
        ? Object.getPrototypeOf(red[module][key.slice(0, -2)]())
        : red[module][key].prototype
      const quiet = new Set(QUIET[name]?.split(/\s+/))
      for (const method of methodsOf(prototype)) {
        if (!quiet.has(method) && !Object.hasOwn(made, method)) unknown.push(`${name}.${method}`)
      }
      assert.ok(bases.has(Object.getPrototypeOf(prototype)), `what ${name} inherits is not looked at`)
    }
    assert.deepEqual(unknown, [])
  },

  'a socket of datagrams is inside that first leaves a group': async () => {
    const red = namespace()
    const leaving = {
      dropMembership: (socket) => socket.dropMembership('239.1.1.1', '127.0.0.1'),
      dropSourceSpecificMembership: (socket) =>
        socket.dropSourceSpecificMembership('127.0.0.1', '232.1.1.1', '127.0.0.1')
    }
    for (const leave of Object.values(leaving)) {
      const socket = socketOf(red)
      assert.throws(() => leave(socket), { code: /^(EADDRNOTAVAIL|EINVAL)$/ })
      // Home has no interface of that address.
      socket.addMembership('239.1.1.1', '127.0.0.1')
    }
  },

  'a socket of datagrams is inside that is bound, or connected, at once': async () => {
    const red = namespace()
    const { socket: server, port } = await red.run(hearing)
    const ways = {
      bindSync: (socket) => {
        assert.equal(socket.bindSync({ address: '127.0.0.1' }).address, '127.0.0.1')
        socket.send('bindSync', port, '127.0.0.1')
      },
      connectSync: (socket) => {
        socket.connectSync(port, '127.0.0.1')
        socket.send('connectSync')
      }
    }
    for (const [way, go] of Object.entries(ways)) {
      // Node 24 is the first to have them.
      if (typeof dgram.Socket.prototype[way] !== 'function') continue
      const heard = first(server, 'message')
      go(socketOf(red))
      assert.equal(String(await heard), way)
    }
  }
}
