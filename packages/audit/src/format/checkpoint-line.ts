import { canonicalLine } from '../record/canonical.ts'
import type { ChainKey } from '../keys/key-chain.ts'
import type { Signer } from '../keys/signature.ts'

/** The state of a segment that a checkpoint commits to. */
export interface CheckpointState {
  readonly folder: string
  readonly step: number
  /** The last sealed group. */
  readonly group: number
  readonly bytes: number
  readonly records: number
  /** The hash over all seals of the segment, base64url. */
  readonly seals: string
  /** The number of the last index line that the process knew. */
  readonly index: number
  /** The hash of that line, base64url. */
  readonly head: string
  readonly time: number
  /** The id of the first folder of its trail. Absent in that folder. */
  readonly trail?: string | undefined
}

export function signedText(state: CheckpointState): string {
  return canonicalLine(membersOf(state))
}

/** `key` is that of the next group. */
export function checkpointLine(state: CheckpointState, key: ChainKey, sign: Signer | undefined): string {
  const signed = signedText(state)
  const mac = key.mac('checkpoint', signed).toString('base64url')
  const signature = sign && { signature: sign(Buffer.from(signed)).toString('base64url') }
  return canonicalLine({ ...membersOf(state), mac, ...signature }).trimEnd()
}

function membersOf({ folder, step, group, bytes, records, seals, index, head, time, trail }: CheckpointState): object {
  return { bytes, folder, group, head, index, kind: 'checkpoint', records, seals, step, time, trail, v: 2 }
}
