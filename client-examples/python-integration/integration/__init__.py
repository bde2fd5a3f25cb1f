"""What a third party's program does with the shop: its orders, live and listed, its webhooks, and its event stream."""
