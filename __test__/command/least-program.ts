/** The least that is a program, for tests that start thousands: to link `/bin/true` takes longer than all else. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ADDRESS = 0x400000
const HEADERS = 64 + 56

/** For each processor its number in ELF, and `exit(0)` in its language. */
const PROCESSORS: Record<string, { machine: number; code: number[] }> = {
  // xor edi, edi; mov eax, 60; syscall
  x64: { machine: 62, code: [0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05] },
  // mov x0, #0; mov x8, #93; svc #0
  arm64: { machine: 183, code: [0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 1, 0, 0, 0xd4] }
}

/** The path of a program that ends with 0 and does nothing else. */
export function leastProgram(): string {
  const processor = PROCESSORS[process.arch]
  if (processor === undefined) return '/bin/true'
  const { machine, code } = processor
  const elf = Buffer.alloc(HEADERS + code.length)
  elf.write('\x7fELF\x02\x01\x01', 'latin1')
  // An executable, of version 1, that begins behind the headers; where its only segment is described.
  elf.writeUInt16LE(2, 16)
  elf.writeUInt16LE(machine, 18)
  elf.writeUInt32LE(1, 20)
  elf.writeBigUInt64LE(BigInt(ADDRESS + HEADERS), 24)
  elf.writeBigUInt64LE(64n, 32)
  // How long the headers are, and how many.
  elf.writeUInt16LE(64, 52)
  elf.writeUInt16LE(56, 54)
  elf.writeUInt16LE(1, 56)
  // The file as a whole is loaded, to be read and run.
  elf.writeUInt32LE(1, 64)
  elf.writeUInt32LE(5, 68)
  elf.writeBigUInt64LE(BigInt(ADDRESS), 80)
  elf.writeBigUInt64LE(BigInt(ADDRESS), 88)
  elf.writeBigUInt64LE(BigInt(elf.length), 96)
  elf.writeBigUInt64LE(BigInt(elf.length), 104)
  elf.writeBigUInt64LE(4096n, 112)
  elf.set(code, HEADERS)
  const path = join(mkdtempSync('/run/netns-program-'), 'least')
  writeFileSync(path, elf, { mode: 0o755 })
  return path
}
