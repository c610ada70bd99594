import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { timesInMemory } from '@finchat/secrets-test-servers'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

// Each starts processes, which take their time where others run too.
vi.setConfig({ testTimeout: 120_000 })

const canary = `canary-${randomBytes(8).toString('hex')}`
const hidden = Buffer.from(Buffer.from(canary).map((byte) => ~byte & 0xff)).toString('hex')

interface Idle {
  readonly child: ChildProcessWithoutNullStreams
  readonly snapshot: string
  /** Lets it go on, and resolves with what it says next. */
  readonly next: () => Promise<string>
}

/** A process that holds 1,000 secrets, each of which begins with the canary. */
async function idle(...retain: readonly string[]): Promise<Idle> {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-memory-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const snapshot = join(folder, 'heap')
  const script = join(import.meta.dirname, 'testing/idle-process.ts')
  const child = spawn(process.execPath, ['--conditions=@finchat/source', '--expose-gc', script, hidden, snapshot, ...retain])
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = async (): Promise<string> => {
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
    return String(line).trim()
  }
  expect(await said()).toBe('held')
  return {
    child,
    snapshot,
    next: () => {
      child.stdin.write('\n')
      return said()
    },
  }
}

describe('an idle manager with 1,000 secrets in its cache', () => {
  it('has none of them in its heap, in any form, where one retained string would show', async () => {
    const [clean, retaining] = await Promise.all([idle(), idle('retain')])
    const leaksIn = ({ snapshot }: Idle): readonly string[] => {
      const { strings } = JSON.parse(readFileSync(snapshot, 'utf8')) as { strings: string[] } // V8's format
      return leaksOf(strings, canary)
    }
    expect(leaksIn(retaining)).not.toEqual([])
    expect(leaksIn(clean)).toEqual([])
  })

  // Other systems show no process the memory of another as a file.
  it.runIf(process.platform === 'linux')('has them in memory, and nowhere after close()', async () => {
    const { child, next } = await idle()
    const forms = [Buffer.from(canary), Buffer.from(canary, 'utf16le')]
    expect(timesInMemory(child.pid, forms)[0]).toBeGreaterThanOrEqual(1_000)
    expect(await next()).toBe('closed')
    expect(timesInMemory(child.pid, forms)).toEqual([0, 0])
  })
})

// Other systems show no process the memory of another as a file.
describe.runIf(process.platform === 'linux')('bytes that were given to verify, store and rotate', () => {
  /** How often the canary stands in the memory of a process that gave it to a thousand calls, and overwrote what it gave. */
  async function copiesIn(...retain: readonly string[]): Promise<number | undefined> {
    const script = join(import.meta.dirname, 'testing/bytes-process.ts')
    const child = spawn(process.execPath, ['--conditions=@finchat/source', '--expose-gc', script, hidden, ...retain])
    onTestFinished(() => void child.kill('SIGKILL'))
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
    expect(String(line).trim()).toBe('given')
    return timesInMemory(child.pid, [Buffer.from(canary)])[0]
  }

  it('leave no copy in the process', async () => {
    const [clean, retaining] = await Promise.all([copiesIn(), copiesIn('retain')])
    expect(retaining).toBeGreaterThanOrEqual(1)
    expect(clean).toBe(0)
  })
})

describe('a day of traffic, with rotations, outages and names that are not there', () => {
  it('leaves no more behind than its first hours: no listener, no timer, no memory', async () => {
    const script = join(import.meta.dirname, 'testing/day-process.ts')
    const args = ['--conditions=@finchat/source', '--expose-gc', '--no-warnings', script]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const [morning, night]: Record<'heapUsed' | 'external' | 'arrayBuffers' | 'listeners' | 'resources', number>[] = JSON.parse(stdout)
    expect(night).toMatchObject({ listeners: 0, resources: 0 })
    for (const kind of ['heapUsed', 'external', 'arrayBuffers'] as const)
      expect((night?.[kind] ?? NaN) - (morning?.[kind] ?? NaN), kind).toBeLessThan(4_000_000)
  })
})
