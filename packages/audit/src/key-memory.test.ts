import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { timesInMemory } from '@finchat/secrets-test-servers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type ChainKey, parsedKey } from './keys/key-chain.ts'
import { decodedKey } from './keys/key-text.ts'
import { readSegment } from './format/segment-reader.ts'
import { emptyFolder, linesIn, removeTestFolders } from './testing/folders.ts'

// Each starts processes, whose whole memory is read.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })
afterAll(removeTestFolders)

interface Looked {
  readonly child: ChildProcessWithoutNullStreams
  readonly next: () => Promise<string>
}

async function started(...args: readonly string[]): Promise<Looked> {
  const script = join(import.meta.dirname, 'testing/key-process.ts')
  const child = spawn(process.execPath, ['--conditions=@finchat/source', '--no-warnings', '--expose-gc', script, ...args])
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, next: () => goOn(child) }
}

async function goOn(child: ChildProcessWithoutNullStreams): Promise<string> {
  child.stdin.write('\n')
  return wordOf(child)
}

function said({ child }: Looked): Promise<string> {
  return wordOf(child)
}

async function wordOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  const [line] = await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
  return String(line).trim()
}

function rawOf(key: ChainKey): Buffer {
  const text = key.text()
  return decodedKey(text) ?? Buffer.alloc(0)
}

/** What a key may look like in memory. */
function formsOf(key: ChainKey): readonly Buffer[] {
  const raw = rawOf(key)
  const texts = [raw.toString('hex'), raw.toString('base64').slice(0, 42), raw.toString('base64url').slice(0, 42)]
  return [raw, ...new Set(texts)].flatMap((form) => (typeof form === 'string' ? [Buffer.from(form), Buffer.from(form, 'utf16le')] : [form]))
}

/** A search takes a tenth of a second: one key of four is looked for, and the newest and oldest. */
function someOf<Item>(items: readonly Item[]): readonly Item[] {
  return items.filter((_, index) => index % 4 === 0 || index < 2 || index >= items.length - 3)
}

/** Text is looked for of a few of them. */
function timesOf({ child }: Looked, keys: readonly ChainKey[], written: readonly ChainKey[] = keys): number {
  const forms = [...keys.map(rawOf), ...written.flatMap(formsOf)]
  return timesInMemory(child.pid, forms).reduce((sum, times) => sum + times, 0)
}

interface Chain {
  /** Those of all steps until now, and the next one's, which lies in the folder. */
  readonly steps: readonly ChainKey[]
  /** Of each segment the first group's, and that of the group after its last one. */
  readonly groups: readonly { readonly first: ChainKey; readonly next: ChainKey }[]
}

async function chainOf(folder: string, key: string): Promise<Chain> {
  const lines = (await linesIn(join(folder, 'index.jsonl'))).map((line): { step: number; opens: boolean } => JSON.parse(line))
  const first = parsedKey(key)
  const steps = [...lines.map(({ step }) => first.later(step)), first.later(lines.length)]
  const opened = lines.filter(({ opens }) => opens)
  const groups = await Promise.all(
    opened.map(async ({ step }) => {
      const segment = first.later(step).derived('segment')
      let next = 0
      const path = join(folder, `segment-${String(step).padStart(8, '0')}.jsonl`)
      for await (const { seal } of readSegment(path)) next = (seal?.group ?? -1) + 1
      return { first: segment, next: segment.later(next) }
    }),
  )
  return { steps, groups }
}

// Other systems show no process the memory of another as a file.
describe.runIf(process.platform === 'linux')('the memory of a process', () => {
  let [folder, keyFile, key]: [string, string, string] = ['', '', '']
  beforeAll(async () => {
    const parent = await emptyFolder()
    ;[folder, keyFile] = [join(parent, 'trail'), join(parent, 'auditors-key')]
  })

  it('has no key of a folder that it made ready and took as bytes, where one retained string would show', async () => {
    const [clean, retaining] = [await started('init', folder, keyFile), await started('init', `${folder}-2`, `${keyFile}-2`, 'retain')]
    expect([await said(clean), await said(retaining)]).toEqual(['made', 'made'])
    key = await readFile(keyFile, 'latin1')
    const [first, other] = [parsedKey(key), parsedKey(await readFile(`${keyFile}-2`, 'latin1'))]
    expect(timesOf(retaining, [other])).toBeGreaterThan(0)
    expect(timesOf(clean, [first, first.derived('next')])).toBe(0)
  })

  it('that took 30 steps has the key of its next group alone, and none once it is closed', async () => {
    const writing = await started('write', folder)
    expect(await said(writing)).toBe('written')
    const { steps, groups } = await chainOf(folder, key)
    expect(groups.length).toBeGreaterThan(30)
    const [present] = groups.slice(-1).map(({ next }) => next)
    if (present === undefined) throw new Error('no segment was opened')
    const past = [...groups.map(({ first }) => first), ...groups.slice(-4, -1).map(({ next }) => next)]
    expect(timesInMemory(writing.child.pid, [rawOf(present)])).toEqual([1])
    expect(timesOf(writing, [...someOf(steps), ...someOf(past)], [...steps.slice(1, 3), ...steps.slice(-2)])).toBe(0)
    expect(await writing.next()).toBe('closed')
    const closed = await chainOf(folder, key)
    expect(
      timesOf(writing, [present, ...closed.groups.slice(-2).flatMap(({ first, next }) => [first, next])], closed.steps.slice(-2)),
    ).toBe(0)
  })

  it('that goes on in the folder has no key that another one had before', async () => {
    const writing = await started('restart', folder)
    expect(await said(writing)).toBe('written')
    const { steps, groups } = await chainOf(folder, key)
    const [before, now] = groups.slice(-2)
    if (before === undefined || now === undefined) throw new Error('no segment was opened')
    expect(timesInMemory(writing.child.pid, [rawOf(now.next)])).toEqual([1])
    expect(timesOf(writing, [before.first, before.next, now.first], steps.slice(-3))).toBe(0)
    expect(await writing.next()).toBe('closed')
    expect(timesOf(writing, [now.next])).toBe(0)
  })

  it('that has verified the trail has none, where one retained string would show', async () => {
    const [clean, retaining] = [await started('verify', folder, keyFile), await started('verify', folder, keyFile, 'retain')]
    expect([await said(clean), await said(retaining)]).toEqual(['verified', 'verified'])
    const { steps, groups } = await chainOf(folder, key)
    expect(timesOf(retaining, steps.slice(0, 1))).toBeGreaterThan(0)
    const ofGroups = [...groups.slice(0, 4), ...groups.slice(-4)].flatMap(({ first, next }) => [first, next])
    expect(timesOf(clean, [...someOf(steps), ...ofGroups], steps.slice(0, 2))).toBe(0)
  })
})
