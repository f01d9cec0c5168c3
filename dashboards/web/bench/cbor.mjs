// CBOR (RFC 8949) as the wire's messages have it: a number is a float, a BigInt is whole, a Date is tag 1.

import { decode, encode, Token, Type } from "cborg";

const typeEncoders = {
  number: (x) => new Token(Type.float, x),
  Date: (at) => [new Token(Type.tag, 1), new Token(Type.float, at.getTime() / 1000)],
};

export const write = (value) => encode(value, { typeEncoders });
export const read = (bytes) => decode(bytes, { tags: { 1: (take) => take() } });
