import { UsageError } from '../terminal/failure.ts'
import type { Values } from './document.ts'
import { contentsOf, type Yaml } from './yaml.ts'

/** SOPS leaves the names readable and seals the values, which would be taken for the secrets themselves. */
export function assertUnsealed(values: Values): void {
  if (values.has('sops_mac') || String(values.get('sops') ?? '').includes('"mac"')) throw isSealed()
}

/** As `assertUnsealed`, for YAML, where the seal is a map. */
export function assertUnsealedYaml(text: string, yaml: Yaml): void {
  const contents = contentsOf(text, yaml)
  if (yaml.isMap(contents) && contents.hasIn(['sops', 'mac'])) throw isSealed()
}

function isSealed(): UsageError {
  return new UsageError('the input is encrypted by SOPS', 'pipe what `sops decrypt FILE` prints, or use migrate --from sops')
}
