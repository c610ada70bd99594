import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { initAuditFolder } from '../file/init-audit-folder.ts'
import { ChainKey } from '../keys/key-chain.ts'
import { verifiedTrail } from '../query/verified-trail.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

/** As in a bundle whose entry waits before the module has run. */
vi.mock('./trail-verification.ts', () => ({ TrailVerification: undefined }))

const refused = {
  code: 'CONFIGURATION',
  problem: 'the verification of audit trails cannot be loaded: in this bundle it has not run yet',
}

/** The keys that are overwritten from now on. */
function overwrittenKeys(): string[] {
  const overwritten: string[] = []
  const wipe = ChainKey.prototype.wipe
  vi.spyOn(ChainKey.prototype, 'wipe').mockImplementation(function (this: ChainKey) {
    overwritten.push(this.text().toString('latin1'))
    wipe.call(this)
  })
  return overwritten
}

describe('the verification, where its module has not run', () => {
  it('is CONFIGURATION for verifyAuditTrail and verifiedTrail, which overwrite their copies of the key', async () => {
    const root = await mkdtemp(join(tmpdir(), 'audit-'))
    onTestFinished(() => rm(root, { recursive: true }))
    onTestFinished(() => void vi.restoreAllMocks())
    const folder = join(root, 'trail')
    const { key } = await initAuditFolder(folder)
    const overwritten = overwrittenKeys()
    await expect(verifyAuditTrail(folder, { key })).rejects.toMatchObject(refused)
    await expect(verifiedTrail(folder, { key }, async () => {})).rejects.toMatchObject(refused)
    expect(overwritten).toEqual([key, key])
  })
})
