import { open, stat } from 'node:fs/promises'
import type { Gunzip } from 'node:zlib'

/**
 * Deflate makes at most some thousand times as much of its input, so 16 MiB of output wait for the
 * reader at most.
 */
const pieceBytes = 16 * 1024
const usualChunkBytes = 64 * 1024
/**
 * zlib drops the chunk that it was filling when it came to the damage: it is read again in such
 * small ones.
 */
const leastChunkBytes = 256

/**
 * No segment is larger unless `maxSegmentBytes` says so, and a small file may unpack to terabytes.
 */
export const mostUnpackedBytes: number = 4 * 1024 ** 3

/** Why a compressed file cannot be read to its end. Never leaves this package. */
export class DamagedArchive extends Error {}

export function isCompressed(path: string): boolean {
  return path.endsWith('.gz')
}

/**
 * The content of a gzip file, up to the damage. Throws `DamagedArchive` behind that, or if there is
 * more than `mostBytes`.
 */
export async function* unpackedChunks(path: string, mostBytes: number): AsyncGenerator<Buffer> {
  let [bytes, damage]: [number, DamagedArchive | undefined] = [0, undefined]
  for (const chunkBytes of [usualChunkBytes, leastChunkBytes]) {
    let skipped = bytes
    damage = undefined
    for await (const chunk of unpacked(path, chunkBytes)) {
      if (chunk instanceof DamagedArchive) damage = chunk
      else {
        const fresh = chunk.subarray(Math.min(skipped, chunk.length))
        skipped -= chunk.length - fresh.length
        const room = mostBytes - bytes
        bytes += fresh.length
        if (fresh.length > 0) yield fresh.subarray(0, room)
        if (fresh.length > room) throw new DamagedArchive('the compressed file holds more than the segment had')
      }
    }
    if (damage === undefined) return
  }
  if (damage !== undefined) throw damage
}

/** The last one is why it cannot be read any further, if there is such a reason. */
async function* unpacked(path: string, chunkBytes: number): AsyncGenerator<Buffer | DamagedArchive> {
  const unpacking = new Unpacking(chunkBytes)
  const { size } = await stat(path)
  const file = await open(path, 'r')
  try {
    while (!unpacking.isDone) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes)
      await unpacking.add(buffer.subarray(0, bytesRead))
      yield* unpacking.chunks()
    }
    if (unpacking.isDamaged) yield new DamagedArchive('the compressed file is damaged')
    else if (unpacking.bytesRead < size) yield new DamagedArchive('something stands behind the end of the compressed file')
  } finally {
    unpacking.close()
    await file.close()
  }
}

/**
 * Unpacks what it is given, piece by piece, and keeps what it unpacked before a failure, which a
 * stream would drop.
 */
class Unpacking {
  isDone = false
  isDamaged = false
  readonly #gunzip: Gunzip
  #chunks: Buffer[] = []
  #wake = (): void => {}

  constructor(chunkSize: number) {
    this.#gunzip = process.getBuiltinModule('node:zlib').createGunzip({ chunkSize })
    this.#gunzip.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
    this.#gunzip.on('end', () => this.#done(false))
    this.#gunzip.on('error', () => this.#done(true))
  }

  get bytesRead(): number {
    return this.#gunzip.bytesWritten
  }

  /** An empty piece is the last. */
  async add(piece: Buffer): Promise<void> {
    if (this.isDone) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    if (piece.length === 0) this.#gunzip.end()
    else this.#gunzip.write(piece, () => setImmediate(resolve)) // a failure is told after the callback
    await promise
  }

  chunks(): readonly Buffer[] {
    const chunks = this.#chunks
    this.#chunks = []
    return chunks
  }

  close(): void {
    this.#gunzip.destroy()
  }

  #done(isDamaged: boolean): void {
    this.isDone = true
    this.isDamaged = isDamaged
    this.#wake()
  }
}
