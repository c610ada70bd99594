import { expect, test } from 'vitest'
import { assertVerifier, scramVerifier } from './scram.ts'

test('a verifier is the one of RFC 7677', () => {
  // The example of section 3 gives salt, iterations and the server's signature, which follows from the server key.
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  expect(scramVerifier('pencil', salt)).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
})

test('a verifier has another salt each time', () => {
  expect(scramVerifier('pencil')).not.toBe(scramVerifier('pencil'))
  expect(() => assertVerifier(scramVerifier('pencil'))).not.toThrow()
})

test.each(['', 'pencil', 'SCRAM-SHA-256$4096:salt$stored:server', `${scramVerifier('pencil')}\n`, ` ${scramVerifier('pencil')}`])(
  'another form is refused: %j',
  (text) => {
    expect(() => assertVerifier(text)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  },
)
