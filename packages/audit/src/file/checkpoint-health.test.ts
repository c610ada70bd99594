import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { type AuditSink, createSecretsManager, type PartHealth } from '@finchat/secrets-core'
import { SecretsError } from '@finchat/secrets-core/provider'
import { memoryProvider } from '@finchat/secrets-testkit'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { context, removeTestFolders, testFolder } from '../testing/folders.ts'
import { aRecord } from '../testing/sample-records.ts'
import { auditTrail } from '../trail/audit-trail.ts'
import { bestEffort } from '../trail/trail-sink.ts'
import { jsonLinesFile } from './file-sink.ts'
import { watchedPlaces } from '../sinks/watched-places.ts'

afterAll(removeTestFolders)
beforeEach(() => void vi.spyOn(process, 'emitWarning').mockReturnValue(undefined))
afterEach(() => void vi.restoreAllMocks())

function watchedPlace(write: AuditSink['write']): { readonly to: AuditSink; readonly health: () => PartHealth } {
  const { to, health } = watchedPlaces(() => ({ specificationVersion: 'v1', name: 'place', write }))
  return { to: to(''), health }
}

describe('the place of checkpoints', () => {
  it('is unchecked, then ok, then failed with the reason', async () => {
    let failure: Error | undefined
    const { to, health } = watchedPlace(async () => (failure === undefined ? undefined : Promise.reject(failure)))
    expect(health()).toEqual({ status: 'unchecked' })
    await to.write(aRecord(), context)
    expect(health()).toEqual({ status: 'ok' })
    failure = new SecretsError('AUDIT_FAILED', 'the disk is full', { remedy: 'make room' })
    await expect(to.write(aRecord(), context)).rejects.toBe(failure)
    expect(health()).toMatchObject({ status: 'failed', problem: 'a checkpoint is missing: the disk is full', remedy: 'make room' })
  })

  it('shows nothing of a foreign error', async () => {
    const { to, health } = watchedPlace(async () => Promise.reject(new Error('canary-4711')))
    await expect(to.write(aRecord(), context)).rejects.toThrow('canary')
    expect(JSON.stringify(health())).not.toContain('canary')
  })

  it('has failed if it does not answer in time', () => {
    const gaveUp = new AbortController()
    const { to, health } = watchedPlace(() => new Promise(() => {}))
    void to.write(aRecord(), { signal: gaveUp.signal })
    expect(health()).toEqual({ status: 'unchecked' })
    gaveUp.abort()
    expect(health()).toMatchObject({ status: 'failed', problem: expect.stringContaining('did not answer in time') })
  })
})

describe('checkHealth of a manager', () => {
  it('says which sink fails, and that checkpoints have no place, without a look into a log', async () => {
    const { folder, checkpoints } = await testFolder()
    await writeFile(checkpoints, 'a file where a folder should be')
    let isDown = false
    const central: AuditSink = {
      specificationVersion: 'v1',
      name: 'central',
      write: async () => (isDown ? Promise.reject(new Error('canary-4711')) : undefined),
    }
    const audit = auditTrail({ sinks: [jsonLinesFile({ folder, checkpoints: { to: checkpoints, everyMs: 1 } }), bestEffort(central)] })
    await using secrets = createSecretsManager({ providers: [memoryProvider({ secrets: { token: 'x' } })], audit })
    const first = await secrets.checkHealth()
    expect(first.audit).toMatchObject({ file: { status: 'unchecked' }, central: { status: 'unchecked' } })
    isDown = true
    await secrets.getSecret('token')
    const { ok, audit: parts } = await secrets.checkHealth()
    expect([ok, parts]).toEqual([
      false,
      {
        file: { status: 'ok', isRequired: true, isFailing: false, refused: 0 },
        'file checkpoints': {
          status: 'failed',
          since: expect.any(Number),
          problem: expect.stringMatching(/^a checkpoint is missing: /),
          remedy: expect.any(String),
        },
        central: {
          status: 'failed',
          since: expect.any(Number),
          problem: 'it failed with an error of its own',
          isRequired: false,
          isFailing: true,
          refused: 1,
        },
      },
    ])
    expect(JSON.stringify(parts)).not.toContain('canary')
    isDown = false
    await rm(checkpoints)
    await mkdir(checkpoints, { recursive: true })
    await chmod(checkpoints, 0o700)
    await vi.waitFor(async () => {
      await secrets.getSecret('token')
      expect((await secrets.checkHealth()).ok).toBe(true)
    }, 20_000)
  })
})
