import { dirname, relative } from 'node:path'
import type { Folder } from './disk.ts'
import { bytesIn, type Call, textIn } from './recording.ts'

/**
 * What a process did to a folder, or several one after the other, done again call by call in
 * memory.
 */
export class Replay {
  readonly #folder: string
  readonly #names = new Map<string, number>()
  readonly #files = new Map<number, Buffer>()
  /** What the process has open: a file, or `undefined` for the folder itself. */
  readonly #open = new Map<number, number | undefined>()
  /** Where the next `write` to it goes; `undefined`: to its end. */
  readonly #offsets = new Map<number, number | undefined>()
  #lastFile = 0
  #output = ''

  /** `start`: what was in the folder before. */
  constructor(folder: string, start: Folder = { names: new Map(), files: new Map() }) {
    this.#folder = folder
    for (const [name, file] of start.names) this.#names.set(name, file)
    for (const [file, content] of start.files) this.#files.set(file, content)
    this.#lastFile = Math.max(0, ...start.files.keys())
  }

  /** The folder as it is after the calls until now. */
  get now(): Folder {
    return { names: new Map(this.#names), files: new Map([...this.#files].map(([file, bytes]) => [file, Buffer.from(bytes)])) }
  }

  /** What the process has written to its standard output until now. */
  get output(): string {
    return this.#output
  }

  /**
   * The name of the file that the call syncs, empty for the folder itself; `undefined` if it has no
   * name in the folder.
   */
  synced({ name, args: [descriptor] }: Call): string | undefined {
    if ((name !== 'fsync' && name !== 'fdatasync') || !this.#open.has(Number(descriptor))) return undefined
    const file = this.#open.get(Number(descriptor))
    return file === undefined ? '' : [...this.#names].find(([, other]) => other === file)?.[0]
  }

  apply({ name, args: [first, second = '', third, fourth], result }: Call): void {
    const file = this.#open.get(Number(first))
    if (name === 'execve') this.#open.clear()
    else if (name === 'openat') this.#opened(result, textIn(second), third ?? '')
    else if (name === 'close') this.#open.delete(Number(first))
    else if (name === 'write' && first === '1') this.#output += textIn(second)
    else if (name === 'write' && file !== undefined) this.#append(Number(first), file, bytesIn(second).subarray(0, result))
    else if (name === 'pwrite64' && file !== undefined) this.#write(file, bytesIn(second).subarray(0, result), Number(fourth))
    else if (name === 'ftruncate' && file !== undefined) this.#resize(file, Number(second))
    else if (name === 'link') this.#give(textIn(second), this.#named(textIn(first)))
    else if (name === 'rename') this.#rename(textIn(first), textIn(second))
    else if (name === 'unlink') this.#names.delete(this.#nameOf(textIn(first)))
  }

  #opened(descriptor: number, path: string, flags: string): void {
    this.#open.delete(descriptor)
    if (path === this.#folder) this.#open.set(descriptor, undefined)
    if (dirname(path) !== this.#folder) return
    const file = this.#named(path) ?? (this.#lastFile += 1)
    this.#give(path, file)
    this.#open.set(descriptor, file)
    this.#offsets.set(descriptor, flags.includes('O_APPEND') ? undefined : 0)
    if (!this.#files.has(file) || flags.includes('O_TRUNC')) this.#files.set(file, Buffer.alloc(0))
  }

  #write(file: number, bytes: Buffer, at: number): void {
    this.#resize(file, Math.max(this.#contentOf(file).length, at + bytes.length))
    this.#contentOf(file).set(bytes, at)
  }

  #append(descriptor: number, file: number, bytes: Buffer): void {
    const at = this.#offsets.get(descriptor)
    this.#write(file, bytes, at ?? this.#contentOf(file).length)
    if (at !== undefined) this.#offsets.set(descriptor, at + bytes.length)
  }

  #resize(file: number, length: number): void {
    const content = this.#contentOf(file)
    if (content.length !== length) this.#files.set(file, Buffer.concat([content], length))
  }

  #rename(from: string, to: string): void {
    this.#give(to, this.#named(from))
    this.#names.delete(this.#nameOf(from))
  }

  #give(path: string, file: number | undefined): void {
    if (file !== undefined) this.#names.set(this.#nameOf(path), file)
  }

  #contentOf(file: number): Buffer {
    return this.#files.get(file) ?? Buffer.alloc(0)
  }

  #named(path: string): number | undefined {
    return this.#names.get(this.#nameOf(path))
  }

  #nameOf(path: string): string {
    return relative(this.#folder, path)
  }
}
