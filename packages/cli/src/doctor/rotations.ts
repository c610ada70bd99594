import { counted } from '../terminal/counted.ts'
import { refusedPolicies } from '../rotation/policy.ts'
import { failed, type Finding, ok } from './finding.ts'
import type { Parts } from './settings-in-parts.ts'

/** Whether `rotate --due` can use each policy; its targets are not asked. Nothing where the package is not installed. */
export async function rotationFindings({ config, ...project }: Parts): Promise<readonly Finding[]> {
  const refused = await refusedPolicies(config, project)
  if (refused === undefined) return []
  const errors = Object.values(refused)
  if (errors.length > 0) return errors.map((error) => failed('rotation', error))
  const count = Object.values(config.rotation ?? {}).filter(({ every }) => every !== undefined).length
  return [ok('rotation', `${counted(count, 'policy can', 'policies can')} be used`)]
}
