import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leaksOf } from '@finchat/secrets-testkit'
import { describe, expect, it, onTestFinished } from 'vitest'

const canary = `canary-${randomBytes(8).toString('hex')}`
const hidden = Buffer.from(Buffer.from(canary).map((byte) => ~byte & 0xff)).toString('hex')

/** It prints and inspects for seconds of processor time, which a loaded machine may take minutes to give. */
const slowMs = 300_000

interface Said {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  /** What stands in its diagnostic reports. */
  readonly reports: readonly string[]
}

/** The output of a process that logs all that it has, and ends with an unhandled rejection. */
async function said(...leaky: readonly string[]): Promise<Said> {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-sinks-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'reports'))
  const flags = ['--conditions=@finchat/source', '--report-uncaught-exception', `--report-directory=${join(folder, 'reports')}`]
  const script = join(import.meta.dirname, 'testing/sinks-process.ts')
  // Into files: a process that dies does not wait for who reads its pipes.
  const [out, err] = ['stdout', 'stderr'].map((name) => openSync(join(folder, name), 'w'))
  const child = spawn(process.execPath, [...flags, script, hidden, join(folder, 'reports'), ...leaky], {
    stdio: ['ignore', out ?? 'ignore', err ?? 'ignore'],
  })
  const [status] = (await once(child, 'exit')) as [number | null, ...unknown[]] // as Node documents the event
  const textOf = (file: string): string => readFileSync(join(folder, file), 'utf8')
  const reports = readdirSync(join(folder, 'reports')).map((file) => textOf(join('reports', file)))
  return { status, stdout: textOf('stdout'), stderr: textOf('stderr'), reports }
}

describe('a process that prints, clones, posts and reports everything of a manager, and dies of a rejection', () => {
  it(
    'says no value anywhere',
    async () => {
      const { status, reports, ...output } = await said()
      expect(status).toBe(1)
      expect(output.stderr).toContain("SecretsError: Secret 'token', provider 'memory': no answer within 5 ms")
      expect(Number(/(\d+) errors/.exec(output.stdout)?.[1])).toBeGreaterThan(300)
      // The last one is of the rejection itself.
      expect(reports.length).toBeGreaterThan(30)
      expect(leaksOf([output, reports], canary)).toEqual([])
    },
    slowMs,
  )

  it(
    'would show one that it said',
    async () => {
      expect((await said('leaky')).stdout.includes(canary)).toBe(true)
    },
    slowMs,
  )
})
