import { useAsk, useLoad } from '../../api/hooks';
import { graphql } from '../../gql';
import { Problems } from '../../ui/states';

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
  const store = query.data?.seller.seller;
  if (!store) return null;
  const change = async (isManual: boolean) => {
    if (await set.ask(() => ({ input: { preparation: isManual ? 'MANUAL' : 'AUTOMATIC' } })))
      await query.refetch().catch(() => {});
  };
  return (
    <>
      <label className="switch">
        <input
          type="checkbox"
          role="switch"
          aria-checked={store.preparation === 'MANUAL'}
          checked={store.preparation === 'MANUAL'}
          disabled={set.isBusy}
          onChange={(event) => void change(event.target.checked)}
        />{' '}
        {store.storeName} packs by hand
      </label>
      <Problems problems={set.problems} />
    </>
  );
}
