import { useEffect, useState } from 'react';

/** `value`, once it has been left alone for `ms`: so that a search is sent for words and not for letters. */
export function usePause<Value>(value: Value, ms = 250): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
