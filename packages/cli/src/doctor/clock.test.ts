import { serverThat } from '@finchat/secrets-test-servers/vitest'
import { describe, expect, it } from 'vitest'
import { probeClock, skewFinding } from './clock.ts'

const now = Date.parse('2026-11-28T12:00:00Z')

describe('the clock', () => {
  it.each([
    [0, 'ok', ''],
    [30_000, 'ok', ''],
    [-30_000, 'ok', ''],
    [31_000, 'warn', '31 s behind'],
    [-3_600_000, 'warn', '3600 s ahead of'],
    [Number.NaN, 'not checked', ''],
  ])('of a store that is %i ms ahead: %s', (ahead, status, text) => {
    const finding = skewFinding(now + ahead, now)
    expect(finding.status).toBe(status)
    expect(finding.finding).toContain(text)
  })

  it.each([
    ['vault', 'FINCHAT_VAULT_URL', '/v1/sys/health?standbyok=true'],
    ['kubernetes', 'FINCHAT_KUBERNETES_URL', '/readyz'],
    ['aws', 'AWS_ENDPOINT_URL', '/'],
    ['ssm', 'AWS_ENDPOINT_URL_SSM', '/'],
  ])('is compared with that of %s, without a credential', async (name, variable, path) => {
    const seen: (string | undefined)[] = []
    const url = await serverThat(({ url: asked, headers }, response) => {
      seen.push(asked, headers.authorization, headers['x-vault-token'] as string | undefined)
      response.setHeader('date', new Date(Date.now() - 120_000).toUTCString()).end()
    })
    const variables = {
      [variable]: url,
      FINCHAT_VAULT_TOKEN: 'canary',
      FINCHAT_KUBERNETES_TOKEN: 'canary',
      AWS_SECRET_ACCESS_KEY: 'canary',
    }
    const [finding] = await probeClock(name, variables)
    expect(finding).toMatchObject({ status: 'warn', check: 'clock' })
    expect(seen).toEqual([path, undefined, undefined])
  })

  it('is not checked if the store does not tell its time', async () => {
    const url = await serverThat((_, response) => void response.destroy())
    expect((await probeClock('vault', { FINCHAT_VAULT_URL: url }))[0]?.status).toBe('not checked')
    expect((await probeClock('vault', {}))[0]?.status).toBe('not checked')
    expect((await probeClock('ssm', {}))[0]?.status).toBe('not checked')
    expect(await probeClock('local', {})).toEqual([])
  })
})
