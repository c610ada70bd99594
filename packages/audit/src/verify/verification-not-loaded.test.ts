import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { initAuditFolder } from '../file/init-audit-folder.ts'
import { verifiedTrail } from '../report/verified-trail.ts'
import { verifyAuditTrail } from './verify-audit-trail.ts'

/** As in a bundle whose entry waits before the module has run. */
vi.mock('./trail-verification.ts', () => ({ TrailVerification: undefined }))

const refused = { code: 'CONFIGURATION', message: expect.stringMatching(/^the verification of audit trails cannot be loaded \(/) }

describe('the verification, where its module has not run', () => {
  it('is CONFIGURATION for verifyAuditTrail and verifiedTrail', async () => {
    const root = await mkdtemp(join(tmpdir(), 'audit-'))
    onTestFinished(() => rm(root, { recursive: true }))
    const folder = join(root, 'trail')
    const { key } = await initAuditFolder(folder)
    await expect(verifyAuditTrail(folder, { key })).rejects.toMatchObject(refused)
    await expect(verifiedTrail(folder, { key }, async () => {})).rejects.toMatchObject(refused)
  })
})
