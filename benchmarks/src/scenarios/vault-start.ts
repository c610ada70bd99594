import type { Scenario } from '../harness/scenario.ts'

export const scenario: Scenario = {
  title: 'Vault: from the start of the process to the first secret, OpenBao over http',
  processes: 'fresh',
  metrics: { time: 'ms', cpu: 'ms', memory: 'MB' },
  servers: ['openbao'],
  prepare: async () => (await import('../stages/openbao.ts')).openBaoStage(['app/secret-0']),
  entrants: {
    getSecret: { role: 'ours', load: async () => (await import('../contenders/vault-ours.ts')).start },
    'node-vault': { role: 'peer', load: async () => (await import('../contenders/node-vault.ts')).start },
    'bare Node.js': { role: 'limit', load: async () => (await import('../contenders/bare-node.ts')).start },
  },
  claims: [
    {
      what: 'start to first Vault secret',
      metric: 'time',
      ours: 'getSecret',
      peer: 'node-vault',
      limit: 'bare Node.js',
      goal: { kind: 'ratio', to: 'peer', atMost: 0.5 },
    },
  ],
}
