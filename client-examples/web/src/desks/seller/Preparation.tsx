import { useAsk, useLoad } from '../../api/hooks';
import { graphql } from '../../gql';
import { Loaded, Problems } from '../../ui/states';

const STORE = graphql(`
  query Store {
    seller {
      seller {
        id
        storeName
        preparation
      }
    }
  }
`);

const SET = graphql(`
  mutation SetPreparation($input: UpdateProfileInput!) {
    result: updateProfile(input: $input) {
      userErrors {
        ...Problem
      }
    }
  }
`);

/** Whether orders wait to be packed by hand. */
export function Preparation() {
  const query = useLoad(STORE, {});
  const set = useAsk(SET);
  const change = async (isManual: boolean) => {
    if (set.isBusy) return;
    if (await set.ask(() => ({ input: { preparation: isManual ? 'MANUAL' : 'AUTOMATIC' } })))
      await query.refetch().catch(() => {});
  };
  return (
    <Loaded query={query} what="how your store packs">
      {({ seller: { seller } }) => (
        <>
          <label className="switch">
            <input
              type="checkbox"
              role="switch"
              aria-checked={seller.preparation === 'MANUAL'}
              checked={seller.preparation === 'MANUAL'}
              aria-disabled={set.isBusy || undefined}
              onChange={(event) => void change(event.target.checked)}
            />{' '}
            {seller.storeName} packs by hand
          </label>
          <Problems problems={set.problems} />
        </>
      )}
    </Loaded>
  );
}
