import { type OpenBao, startOpenBao } from '@finchat/secrets-test-servers'
import { describeWithServer } from '@finchat/secrets-test-servers/vitest'
import { testSecretProvider } from '@finchat/secrets-testkit'
import { afterAll, beforeAll, test } from 'vitest'
import { vaultManifest } from './shared/manifest.ts'
import { vaultHarness } from './testing/vault-harness.ts'

describeWithServer('openbao', 'the Vault provider keeps the contract with a KV v2 mount of OpenBao', () => {
  let bao: OpenBao
  beforeAll(async () => void (bao = await startOpenBao()))
  afterAll(() => bao.stop())

  testSecretProvider({ test, manifest: vaultManifest, createHarness: () => vaultHarness(bao) })
})
