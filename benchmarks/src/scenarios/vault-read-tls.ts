import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'Vault: secrets read from OpenBao over https with a private authority, 64 at any time',
  processes: 'kept',
  metrics: { time: 'µs', cpu: 'µs' },
  servers: ['openbao'],
  prepare: async () => {
    const { secretPaths } = await import('../contenders/vault-work.ts')
    return (await import('../stages/openbao.ts')).openBaoStage(secretPaths, { tls: true })
  },
  entrants: {
    getSecret: { role: 'ours', load: async () => (await import('../contenders/vault-ours.ts')).reads },
    'node-vault': { role: 'peer', load: async () => (await import('../contenders/node-vault.ts')).reads },
    'node-vault, own agent': { role: 'peer', load: async () => (await import('../contenders/node-vault.ts')).readsByOwnAgent },
    'node:https': { role: 'limit', load: async () => (await import('../contenders/node-http.ts')).reads },
  },
  claims: [
    {
      what: 'Vault read, https with a private CA: processor time',
      metric: 'cpu',
      ours: 'getSecret',
      peer: 'node-vault',
      limit: 'node:https',
      goal: { kind: 'ratio', to: 'peer', atMost: 0.5 },
    },
    {
      what: 'the same, beside node-vault with an agent of one’s own',
      metric: 'cpu',
      ours: 'getSecret',
      peer: 'node-vault, own agent',
      limit: 'node:https',
      goal: { kind: 'ratio', to: 'peer', atMost: 0.5 },
    },
  ],
}
