import { described } from '../errors/format.ts'
import { own } from '../errors/own-properties.ts'
import { SecretsError } from '../errors/secrets-error.ts'

const providerCalls = 'locate keepsFields getVersion getMany describe list put tag delete restore probe changes checkHealth close'.split(
  ' ',
)
const neededCalls = ['read', 'fill', 'invalidate']

/** A member that is no function would later look like an outage. */
export function assertProviderCalls(provider: { readonly name: string }): void {
  for (const call of providerCalls) assertCall(`the provider '${provider.name}'`, provider, call, false)
}

export function assertCacheCalls(shared: object): void {
  for (const call of [...neededCalls, 'subscribe', 'close']) assertCall('cache.shared', shared, call, neededCalls.includes(call))
}

function assertCall(name: string, part: object, call: string, isNeeded: boolean): void {
  const member = own(part, call)
  if (typeof member === 'function' || (member === undefined && !isNeeded)) return
  throw new SecretsError('CONFIGURATION', `${name} has ${described(member)} for ${call}()`, {
    remedy: isNeeded ? 'pass a function' : 'pass a function, or leave it out',
  })
}
