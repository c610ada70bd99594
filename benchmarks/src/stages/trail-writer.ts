// The index of a trail as it lies on the disk after a long time, by the format that docs/audit.md
// describes, and none of the package's code.
import { createHash, createHmac } from 'node:crypto'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface WrittenTrail {
  readonly key: string
  readonly records: number
  readonly segments: number
  readonly sent: number
}

const mostLines = 20_000
const keyPrefix = 'audit-key:'

export const mac = (key: Buffer, purpose: string, data = ''): Buffer =>
  createHmac('sha256', key).update(`${purpose}\0`).update(data).digest()
const digest = (line: string): string => createHash('sha256').update(line).digest('base64url')
const keyText = (key: Buffer): string => `${keyPrefix}${key.toString('base64url')}`
/** Flat objects with sorted members, which is their canonical form. */
export const lineOf = (members: object): string => `${JSON.stringify(members)}\n`

function idOf(firstKey: Buffer): string {
  const hex = mac(firstKey, 'folder').toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(12, 15)}`, `a${hex.slice(15, 18)}`, hex.slice(18, 30)].join('-')
}

/** A folder that was left for the next one. */
interface LeftFolder {
  readonly folder: string
  readonly name: string
  readonly step: number
}

interface Step {
  readonly host: string
  readonly time: number
  readonly opens: boolean
  readonly ended: readonly object[]
  readonly follows?: readonly LeftFolder[]
  readonly successor?: { readonly folder: string; readonly name: string }
}

/** The index of the current folder, and what was counted. */
export class TrailWriter {
  folder: string
  checkpoints: string
  id: string
  /** The id of the first folder, in checkpoints of the others. */
  trail: string | undefined
  readonly counts = { records: 0, segments: 0, sent: 0 }
  readonly #root: string
  readonly #checkpointsRoot: string
  readonly #firstKey = createHash('sha256').update('a year of a trail').digest()
  #key: Buffer = this.#firstKey
  #name = ''
  #follows: readonly LeftFolder[] = []
  #step = 0
  #head = ''
  #lines: string[] = []

  constructor(folder: string, checkpoints: string) {
    ;[this.#root, this.#checkpointsRoot] = [folder, checkpoints]
    ;[this.folder, this.checkpoints] = [folder, checkpoints]
    this.id = idOf(this.#firstKey)
    this.step({ host: 'web-0', time: 0, opens: false, ended: [] })
  }

  /** A folder takes so many lines of its index: then the trail goes on in another. */
  get isFull(): boolean {
    return this.#step >= mostLines
  }

  /** In the next folder, between runs. */
  goOn(time: number): void {
    const [key, left, name] = [mac(this.#key, 'successor'), this.id, new Date(time).toISOString().slice(0, 10)]
    const id = idOf(key)
    const { step } = this.step({ host: 'web-0', time, opens: false, ended: [], successor: { folder: id, name } })
    this.#finishFolder()
    this.#follows = [...this.#follows, { folder: left, name: this.#name, step }]
    this.trail ??= this.id
    ;[this.id, this.#key, this.#name, this.#step] = [id, key, name, 0]
    ;[this.folder, this.checkpoints] = [join(this.#root, name), join(this.#checkpointsRoot, name)]
    for (const path of [this.folder, this.checkpoints]) mkdirSync(path, { mode: 0o700 })
    this.step({ host: 'web-0', time, opens: false, ended: [], follows: this.#follows })
  }

  /** The number, hash and key of a new epoch. */
  step({ host, time, opens, ended, follows, successor }: Step): Epoch {
    const [key, step] = [this.#key, this.#step]
    const members = { before: this.#head, ended, folder: this.id, ...(follows && { follows }), host }
    const rest = { opens, pid: 4711, step, ...(successor && { successor }), time, v: 2 }
    const own = mac(mac(key, 'index'), 'index', lineOf({ ...members, ...rest })).toString('base64url')
    const line = lineOf({ ...members, mac: own, ...rest })
    this.#head = digest(line)
    if (this.#lines.push(line) >= 1_024) this.#flush()
    this.#key = mac(key, 'next')
    this.#step++
    return { step, head: this.#head, key: mac(key, 'segment') }
  }

  finish(): WrittenTrail {
    this.#finishFolder()
    return { key: keyText(this.#firstKey), ...this.counts }
  }

  #finishFolder(): void {
    this.#flush()
    const state = { folder: this.id, key: keyText(this.#key), live: [], step: this.#step, unused: [], v: 2 }
    writeFileSync(join(this.folder, 'key.json'), lineOf(state), { mode: 0o600 })
  }

  #flush(): void {
    appendFileSync(join(this.folder, 'index.jsonl'), this.#lines.splice(0).join(''), { mode: 0o600 })
  }
}

export interface Epoch {
  readonly step: number
  readonly head: string
  readonly key: Buffer
}
