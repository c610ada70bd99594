import type { Scenario } from './harness/scenario.ts'

type Load = () => Promise<{ readonly scenario: Scenario }>

/** Every scenario by group and name, loaded when it is run. */
export const groups: Readonly<Record<string, Readonly<Record<string, Load>>>> = {
  core: {
    'core-cached': () => import('./scenarios/core-cached.ts'),
    'core-live': () => import('./scenarios/core-live.ts'),
    'core-watchers': () => import('./scenarios/core-watchers.ts'),
    'core-handles': () => import('./scenarios/core-handles.ts'),
    'core-heap': () => import('./scenarios/core-heap.ts'),
    'core-cold': () => import('./scenarios/core-cold.ts'),
    'core-distinct': () => import('./scenarios/core-distinct.ts'),
  },
  verify: { verify: () => import('./scenarios/verify.ts') },
  local: {
    'local-get': () => import('./scenarios/local-get.ts'),
    'local-put': () => import('./scenarios/local-put.ts'),
    'local-size': () => import('./scenarios/local-size.ts'),
    'local-versions': () => import('./scenarios/local-versions.ts'),
  },
  audit: {
    'audit-write': () => import('./scenarios/audit-write.ts'),
    'audit-read': () => import('./scenarios/audit-read.ts'),
    'audit-verify': () => import('./scenarios/audit-verify.ts'),
    'audit-month': () => import('./scenarios/audit-month.ts'),
  },
  'audit-year': { 'audit-year': () => import('./scenarios/audit-year.ts') },
  import: {
    'import-time': () => import('./scenarios/import-time.ts'),
    'import-size': () => import('./scenarios/import-size.ts'),
  },
  cli: { 'cli-start': () => import('./scenarios/cli-start.ts') },
  aws: {
    'aws-preload': () => import('./scenarios/aws-preload.ts'),
    'aws-read': () => import('./scenarios/aws-read.ts'),
    'aws-start': () => import('./scenarios/aws-start.ts'),
  },
  vault: {
    'vault-read': () => import('./scenarios/vault-read.ts'),
    'vault-read-tls': () => import('./scenarios/vault-read-tls.ts'),
    'vault-handshakes': () => import('./scenarios/vault-handshakes.ts'),
    'vault-start': () => import('./scenarios/vault-start.ts'),
  },
}

/** Groups that take long: only if they are named. */
export const onRequest: readonly string[] = ['audit-year']

export async function scenarioOf(name: string): Promise<Scenario> {
  const load = Object.values(groups).find((group) => Object.hasOwn(group, name))?.[name]
  if (load === undefined) throw new Error(`there is no scenario '${name}'`)
  return (await load()).scenario
}
