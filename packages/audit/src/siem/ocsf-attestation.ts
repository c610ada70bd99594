import { createHash } from 'node:crypto'
import type { AuditRecord } from '@finchat/secrets-core'
import { canonicalLine } from '../record/canonical.ts'
import type { OcsfEvent } from './ocsf.ts'

/** A SHA-256, in hex, as OCSF writes it. */
export function fingerprint(sha256: string): Readonly<Record<string, unknown>> {
  return { algorithm_id: 3, algorithm: 'SHA-256', value: sha256 }
}

/**
 * The event with an attestation of the profile `record_integrity`: its fingerprint is of the whole event in canonical form, the rest of the attestation included.
 * The chain is the trail, in which `metadata.sequence` is the event's place.
 */
export function attested(event: OcsfEvent, { trail, seq }: AuditRecord): OcsfEvent {
  const attestation = { uid: `${trail}:${seq}`, chain_uid: trail }
  const metadata = { ...event.metadata, version: '1.9.0-dev', profiles: [...profilesOf(event), 'record_integrity'] }
  const open = { ...event, metadata, attestation_list: [attestation] }
  const sha256 = createHash('sha256').update(canonicalLine(open).trimEnd()).digest('hex')
  return { ...open, attestation_list: [{ ...attestation, fingerprint: fingerprint(sha256) }] }
}

function profilesOf({ metadata }: OcsfEvent): readonly unknown[] {
  return Array.isArray(metadata['profiles']) ? metadata['profiles'] : []
}
