// The second act of `npm run demo -- --live`: the example's act, on real servers.
import { perform, type Programme } from '@finchat/secrets-example-fallback-chain/act'
import type { FailingStores } from '@finchat/secrets-example-fallback-chain/stores'
import { findServer } from '@finchat/secrets-test-servers'
import { startLiveStores } from './live-stores.ts'
import { getServers } from './servers.ts'

async function startRealServers(): Promise<FailingStores> {
  const { settings, aws, vault, mend, stop } = await startLiveStores()
  const sealVault = (): Promise<void> => vault.api('PUT', 'sys/seal')
  return { settings, freezeAws: () => aws.signal('SIGSTOP'), sealVault, mend, stop }
}

const programme: Programme = {
  heading: 'Second act: the chain on real servers, and what a service sees when they fail',
  aws: `${findServer('moto').title}, which emulates AWS Secrets Manager`,
  vault: `${findServer('openbao').title}, which speaks the API of HashiCorp Vault`,
  closing: [
    'The chain is examples/fallback-chain/src/manager.ts. What it promises is in',
    'tests/examples/src/fallback-chain/manager.test.ts, against the same servers.',
  ],
}

if (await getServers()) await perform(programme, startRealServers)
else process.exitCode = 1
