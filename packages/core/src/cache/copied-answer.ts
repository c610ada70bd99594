import type { StoredSecret } from '../contract/provider.ts'
import { type Moment, pastMoment } from '../value/moment.ts'
import { SecretBytes } from '../value/secret-bytes.ts'
import type { FetcherParts } from './fetch-options.ts'

type Parts = Pick<FetcherParts, 'provider' | 'options'>

/** The bytes of a store's answer, outside the V8 heap. */
export function copied(
  { provider, options }: Parts,
  { value, shape, ...rest }: StoredSecret,
  askedAt: number,
  givenAt?: Moment,
): SecretBytes {
  const time = rest.currentSince ?? rest.currentNotBefore
  const toldSince = time === undefined ? undefined : pastMoment(time)
  return new SecretBytes({ value, shape }, { ...rest, provider: provider.name, askedAt, givenAt, toldSince }, options.zeroizer)
}

/** Readable only in this turn of the event loop. */
export function unkeptCopy(parts: Parts, stored: StoredSecret, askedAt: number): SecretBytes {
  const held = copied(parts, stored, askedAt)
  held.release()
  return held
}
