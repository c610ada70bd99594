import type { OpenBao } from '@finchat/secrets-test-servers'
import { onTestFinished } from 'vitest'
import { type VaultTrial, vaultTrial } from './vault-harness.ts'

/** A trial that is closed when its test ends. */
export async function trialOn(bao: OpenBao, options: Parameters<typeof vaultTrial>[1] = {}): Promise<VaultTrial> {
  const trial = await vaultTrial(bao, options)
  onTestFinished(trial.close)
  return trial
}
