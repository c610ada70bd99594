import { afterEach, expect, it, vi } from 'vitest'

afterEach(() => vi.doUnmock('./trail-verification.ts'))

// What a bundle does that moves a part which is loaded lazily behind an entry that awaits it.
it('a bundle that lost the verification is CONFIGURATION, and names a remedy', async () => {
  vi.resetModules()
  vi.doMock('./trail-verification.ts', () => ({ TrailVerification: undefined }))
  const { verifyAuditTrail } = await import('./verify-audit-trail.ts')
  const { verifiedTrail } = await import('../report/verified-trail.ts')
  const key = `audit-key:${'A1b2C3d4'.repeat(5)}A1w`
  const lost = { code: 'CONFIGURATION', remedy: expect.stringContaining('external') }
  await expect(verifyAuditTrail('audit', { key })).rejects.toMatchObject(lost)
  await expect(verifiedTrail('audit', { key }, async () => undefined)).rejects.toMatchObject(lost)
})
