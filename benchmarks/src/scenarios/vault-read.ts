import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'Vault: secrets read from OpenBao over http, 64 at any time',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  servers: ['openbao'],
  prepare: async () => {
    const { secretPaths } = await import('../contenders/vault-work.ts')
    return (await import('../stages/openbao.ts')).openBaoStage(secretPaths)
  },
  entrants: {
    getSecret: { role: 'ours', load: async () => (await import('../contenders/vault-ours.ts')).reads },
    'node-vault': { role: 'peer', load: async () => (await import('../contenders/node-vault.ts')).reads },
    'node:http': { role: 'limit', load: async () => (await import('../contenders/node-http.ts')).reads },
  },
  claims: [
    {
      what: 'Vault read, http: processor time',
      metric: 'cpu',
      ours: 'getSecret',
      peer: 'node-vault',
      limit: 'node:http',
      goal: { kind: 'ratio', to: 'peer', atMost: 0.5 },
    },
  ],
}
