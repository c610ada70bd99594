import { invalidArgument } from '@finchat/secrets-core/provider'

/** A namespace is a label of DNS (RFC 1123). */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** A Secret's name is a subdomain of DNS (RFC 1123). */
const subdomain = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const longestName = 253

/** A Secret; without `namespace` it is in the provider's own. */
export interface SecretPlace {
  readonly namespace: string | undefined
  readonly name: string
}

export function isNamespace(text: unknown): text is string {
  return typeof text === 'string' && label.test(text)
}

/** Whether Kubernetes can hold it: `secret`, or `namespace/secret`. */
export function canHoldPath(path: unknown): path is string {
  return placeIn(path) !== undefined
}

/** Throws `INVALID_ARGUMENT` unless Kubernetes can hold a Secret at this path. */
export function placeOf(path: unknown): SecretPlace {
  const place = placeIn(path)
  if (place !== undefined) return place
  throw invalidArgument('the path cannot be held by Kubernetes', 'use SECRET or NAMESPACE/SECRET, of a-z, 0-9, - and .')
}

function placeIn(path: unknown): SecretPlace | undefined {
  if (typeof path !== 'string') return undefined
  const [first = '', second, ...others] = path.split('/')
  const [namespace, name] = second === undefined ? [undefined, first] : [first, second]
  const isHeld = others.length === 0 && isSecretName(name) && (namespace === undefined || isNamespace(namespace))
  return isHeld ? { namespace, name } : undefined
}

function isSecretName(name: string): boolean {
  return name.length <= longestName && subdomain.test(name)
}
