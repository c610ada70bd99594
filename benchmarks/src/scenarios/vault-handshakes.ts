import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'Vault: TLS handshakes of 1,000 reads with a private authority, one by one',
  processes: 'fresh',
  metrics: { handshakes: '' },
  servers: ['openbao'],
  prepare: async () => {
    const { secretPaths } = await import('../contenders/vault-work.ts')
    return (await import('../stages/openbao.ts')).openBaoStage(secretPaths, { tls: true })
  },
  entrants: {
    getSecret: { role: 'ours', load: async () => (await import('../contenders/vault-ours.ts')).handshakes },
    'node-vault': { role: 'peer', load: async () => (await import('../contenders/node-vault.ts')).handshakes },
    'node:https': { role: 'limit', load: async () => (await import('../contenders/node-http.ts')).handshakes },
  },
  claims: [
    {
      what: 'TLS handshakes of 1,000 Vault reads with a private CA',
      metric: 'handshakes',
      ours: 'getSecret',
      peer: 'node-vault',
      limit: 'node:https',
      goal: { kind: 'value', atMost: 1 },
    },
  ],
}
