import { stat } from 'node:fs/promises'
import type { Gunzip } from 'node:zlib'
import { openRegular } from './open-regular.ts'

/** Deflate expands at most a thousandfold, so at most 16 MiB of output wait. */
const pieceBytes = 16 * 1024
const usualChunkBytes = 64 * 1024
/** zlib drops the chunk in which it finds damage, so that part is read again in small chunks. */
const leastChunkBytes = 256

/** Bounds a decompression bomb; no segment is larger by default. */
export const mostUnpackedBytes: number = 4 * 1024 ** 3

/** A file, mostly a compressed one, that cannot be read to its end. Never leaves this package. */
export class DamagedArchive extends Error {}

export function isCompressed(path: string): boolean {
  return path.endsWith('.gz')
}

/** The content up to the damage. Then throws `DamagedArchive`, as it does beyond `mostBytes`. */
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

/** Ends with the damage, if there is any. */
async function* unpacked(path: string, chunkBytes: number): AsyncGenerator<Buffer | DamagedArchive> {
  const unpacking = new Unpacking(chunkBytes)
  const { size } = await stat(path)
  const file = await openRegular(path)
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

/** Keeps what was unpacked before a failure; a stream would drop it. */
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
    else this.#gunzip.write(piece, () => setImmediate(resolve)) // a failure is emitted after the callback
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
