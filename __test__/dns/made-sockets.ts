/** The sockets that a resolver makes, while one of these is in use. */
import dgram from 'node:dgram'

type Callback = (error: Error | null, bytes: number) => void

export class Sockets implements Disposable {
  readonly all: dgram.Socket[] = []
  /** The error code that the kernel says of a datagram, of which it is told the how many-eth it is. */
  refuse: (count: number) => string | undefined = () => undefined
  readonly #createSocket = dgram.createSocket
  #sent = 0

  constructor() {
    dgram.createSocket = ((options: dgram.SocketOptions | dgram.SocketType) => {
      const socket = this.#createSocket(options as dgram.SocketOptions)
      // A test's server's own is of a type alone.
      if (typeof options === 'object') this.#watch(socket)
      return socket
    }) as typeof dgram.createSocket
  }

  [Symbol.dispose](): void {
    dgram.createSocket = this.#createSocket
  }

  #watch(socket: dgram.Socket): void {
    this.all.push(socket)
    const send = socket.send.bind(socket) as (packet: Uint8Array, callback: Callback) => void
    const watched = (packet: Uint8Array, callback: Callback): void => {
      this.#sent += 1
      const code = this.refuse(this.#sent)
      if (code === undefined) send(packet, callback)
      else process.nextTick(callback, Object.assign(new Error(`send ${code}`), { code }), 0)
    }
    socket.send = watched as dgram.Socket['send']
  }
}
