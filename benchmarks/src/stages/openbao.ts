import { startOpenBao } from '@finchat/secrets-test-servers'
import type { Stage } from '../harness/scenario.ts'

/** A real OpenBao that holds `secretPaths`; with TLS, by an authority of its own. */
export async function openBaoStage(secretPaths: readonly string[], options: { readonly tls?: boolean } = {}): Promise<Stage> {
  const bao = await startOpenBao(options)
  for (const path of secretPaths) await bao.api('POST', `secret/data/${path}`, { data: { value: `the value of ${path}` } })
  return {
    setting: { url: bao.url, token: bao.rootToken, ...(bao.caFile !== undefined && { caFile: bao.caFile }) },
    end: bao.stop,
  }
}
