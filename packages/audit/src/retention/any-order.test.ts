import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type AuditTrail, SecretsError } from '@finchat/secrets-core'
import fc from 'fast-check'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { copyAuditTrail } from '../copy/copy-audit-trail.ts'
import { jsonLinesFile } from '../file/file-sink.ts'
import { rotateAuditFolder } from '../file/rotate-audit-folder.ts'
import type * as folders from '../file/trail-folders.ts'
import { context, event, removeTestFolders, type TestFolder, testFolder } from '../testing/folders.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { verifyAuditTrail } from '../verify/verify-audit-trail.ts'
import { eraseAuditNames } from './erase-audit-names.ts'
import { holdAuditFolder, releaseAuditFolder } from './hold-audit-folder.ts'
import { pruneAuditFolder } from './prune-audit-folder.ts'

/** A trail goes on in another folder after two runs, not after fifty thousand lines. */
vi.mock('../file/trail-folders.ts', async (original) => {
  const real = await original<typeof folders>()
  class SmallFolders extends real.TrailFolders {
    constructor(root: string, period: folders.FolderPeriod | undefined) {
      super(root, period, 4)
    }
  }
  return { ...real, TrailFolders: SmallFolders }
})

afterEach(() => void vi.useRealTimers())
afterAll(removeTestFolders)

const dayMs = 86_400_000
const people = ['alice@example.com', 'bob@example.com']

/** A trail, and what should be in it. */
class Operated {
  records = 0
  #holds = 4711
  readonly #held: string[] = []
  /** What is otherwise than it should be. */
  readonly faults: unknown[] = []
  readonly running: AuditTrail[] = []
  readonly #made: TestFolder
  readonly #names: string
  readonly #target: string

  constructor(made: TestFolder) {
    this.#made = made
    ;[this.#names, this.#target] = [join(dirname(made.folder), 'names.key'), join(dirname(made.folder), 'copy')]
  }

  async start(): Promise<AuditTrail> {
    const { folder, checkpoints: to } = this.#made
    const sink = jsonLinesFile({ folder, checkpoints: { to } })
    const trail = auditTrail({ sinks: [sink], sealNames: { file: this.#names }, sinkDeadlineMs: 60_000 })
    await this.write(trail)
    return trail
  }

  async write(trail: AuditTrail): Promise<void> {
    await trail.record({ ...event, time: Date.now(), actor: people[this.records++ % people.length] }, context)
  }

  async rotate(): Promise<void> {
    await rotateAuditFolder(this.#made.folder)
  }

  async hold(): Promise<void> {
    const reason = `case ${this.#holds++}`
    const held = await holdAuditFolder(this.#made.folder, { reason })
    this.#held.push(reason)
    if (held.length !== this.#held.length) this.faults.push(held)
  }

  /** The one that began first or last. */
  async release(): Promise<void> {
    const hold = this.#held.length % 2 === 0 ? this.#held.shift() : this.#held.pop()
    if (hold !== undefined) await releaseAuditFolder(this.#made.folder, { hold, reason: 'closed' })
  }

  /** As in the guide: what is pruned was copied before. */
  async prune(): Promise<void> {
    await this.copy()
    const order = { before: Date.now() - 2 * dayMs, reason: 'retention', acceptGap: true }
    const { records, kept } = (await this.#unlessHeld(pruneAuditFolder(this.#made.folder, order))) ?? { records: 0, kept: [] }
    this.faults.push(...kept)
    this.records -= records
  }

  async erase(): Promise<void> {
    const erasing = eraseAuditNames(this.#made.folder, { file: this.#names, names: people.slice(0, 1), reason: 'request 17' })
    // No record has named the person since the last erasure.
    const isUnknown = await erasing.then(
      () => false,
      (error: unknown) => SecretsError.isInstance(error) && error.code === 'NOT_FOUND',
    )
    if (!isUnknown) await this.#unlessHeld(erasing)
  }

  async copy(): Promise<void> {
    const { folder, checkpoints = '' } = await copyAuditTrail(this.#made.folder, this.#target, { checkpoints: this.#made.checkpoints })
    const { ok, problems } = await verifyAuditTrail(folder, { key: this.#made.key, checkpoint: checkpoints })
    if (!ok) this.faults.push('the copy', ...problems)
  }

  async verify(): Promise<void> {
    const { folder, key, checkpoints: checkpoint } = this.#made
    const { ok, problems, records } = await verifyAuditTrail(folder, { key, checkpoint })
    if (!ok || records !== this.records) this.faults.push('the trail', records, ...problems)
  }

  async #unlessHeld<Result>(asked: Promise<Result>): Promise<Result | undefined> {
    const [settled] = await Promise.allSettled([asked])
    if ((settled.status === 'rejected') !== this.#held.length > 0) this.faults.push(settled)
    return settled.status === 'rejected' ? undefined : settled.value
  }

  async end(): Promise<void> {
    for (const trail of this.running) await trail.close?.(context)
    await rm(dirname(this.#made.folder), { recursive: true })
  }
}

const operations: Readonly<Record<string, (operated: Operated) => unknown>> = {
  run: async (operated) => (await operated.start()).close?.(context),
  start: async (operated) => operated.running.push(await operated.start()),
  write: async (operated) => Promise.all(operated.running.map(async (trail) => operated.write(trail))),
  stop: async ({ running }) => running.shift()?.close?.(context),
  wait: () => vi.setSystemTime(Date.now() + 1.5 * dayMs),
  rotate: async (operated) => operated.rotate(),
  hold: async (operated) => operated.hold(),
  release: async (operated) => operated.release(),
  prune: async (operated) => operated.prune(),
  erase: async (operated) => operated.erase(),
  copy: async (operated) => operated.copy(),
}

it('a trail verifies, and so does its copy, in whatever order it is operated', { timeout: 120_000 }, async () => {
  const anyOrder = fc.array(fc.constantFrom(...Object.keys(operations)), { minLength: 5, maxLength: 25 })
  const check = async (order: readonly string[]): Promise<void> => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 20) })
    const made = await testFolder()
    await mkdir(made.checkpoints)
    const operated = new Operated(made)
    try {
      for (const name of ['run', ...order]) {
        await operations[name]?.(operated)
        await operated.verify()
        expect(operated.faults).toEqual([])
        vi.setSystemTime(Date.now() + 1_000)
      }
    } finally {
      await operated.end()
    }
  }
  await fc.assert(fc.asyncProperty(anyOrder, check), { numRuns: process.env['THOROUGH'] ? 200 : 12 })
})
